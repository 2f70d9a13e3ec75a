namespace Dino.Imaging.Jpeg;

/// <summary>Decodes the one pass of a baseline or extended sequential scan (T.81 annex F).</summary>
internal static class JpegSequentialScan
{
    /// <summary>Decodes a scan; blocks go to the coefficients if the frame keeps them, else through the transform to the samples.</summary>
    public static void Decode(JpegFrame frame, JpegScan scan, ref JpegEntropySource source)
    {
        Span<short> block = stackalloc short[JpegBlock.Length];
        (int wide, int high) = scan.Mcus(frame);
        int untilRestart = scan.RestartInterval;
        for (int y = 0; y < high; y++)
        {
            for (int x = 0; x < wide; x++)
            {
                if (scan.RestartInterval > 0 && untilRestart-- == 0)
                {
                    source.Restart();
                    untilRestart = scan.RestartInterval - 1;
                    foreach (ref JpegScanComponent part in scan.Components.AsSpan())
                        part.Prediction = 0;
                }

                DecodeMcu(frame, scan, ref source, x, y, block);
                source.CheckExhausted();
            }
        }
    }

    private static void DecodeMcu(JpegFrame frame, JpegScan scan, ref JpegEntropySource source, int x, int y, scoped Span<short> scratch)
    {
        foreach (ref JpegScanComponent part in scan.Components.AsSpan())
        {
            JpegComponent component = part.Component;
            (int h, int v) = scan.IsInterleaved ? (component.H, component.V) : (1, 1);
            for (int i = 0; i < h * v; i++)
            {
                (int row, int column) = h == 1 ? (i, 0) : (i / h, i % h);
                (int blockX, int blockY) = (x * h + column, y * v + row);
                if (frame.KeepsCoefficients)
                {
                    if (!source.IsExhausted)
                        DecodeBlock(ref source.Reader, ref part, component.Block(blockX, blockY));
                    continue;
                }

                scratch.Clear();
                // Without data the block stays zero: uniform grey, as in libjpeg.
                int last = source.IsExhausted ? 0 : DecodeBlock(ref source.Reader, ref part, scratch);
                JpegIdct.Transform(scratch, last == 0, component, blockX, blockY);
            }
        }
    }

    /// <summary>Decodes one block into zeroed coefficients.</summary>
    /// <returns>The zigzag index of the last coefficient sent.</returns>
    private static int DecodeBlock(ref JpegBitReader reader, ref JpegScanComponent part, Span<short> block)
    {
        const int LookShift = 64 - JpegHuffmanTable.LookBits;
        byte[] order = JpegBlock.FromZigzag;
        JpegHuffmanTable table = part.Dc!;
        ulong bits = reader.Bits;
        int count = reader.Count;
        if (count < JpegBitReader.Low)
            reader.Refill(ref bits, ref count);

        int entry = table.Look[(int)(bits >> LookShift)];
        int taken = entry & 15;
        if (taken != 0)
        {
            bits <<= taken;
            count -= taken;
            part.Prediction += entry >> 16;
        }
        else
        {
            int size = DropCode(table, entry, ref bits, ref count);
            if (size > 0)
                part.Prediction += TakeExtended(size, ref bits, ref count);
        }

        block[0] = (short)part.Prediction;

        table = part.Ac!;
        int[] look = table.Look;
        int last = 0;
        int index = 1;
        while (index < 64)
        {
            if (count < JpegBitReader.Low)
                reader.Refill(ref bits, ref count);
            entry = look[(int)(bits >> LookShift)];
            taken = entry & 15;
            if (taken != 0)
            {
                bits <<= taken;
                count -= taken;
                index += (entry >> 12) & 15;
                last = index;
                block[order[index++]] = (short)(entry >> 16);
                continue;
            }

            int symbol = DropCode(table, entry, ref bits, ref count);
            int size = symbol & 15;
            if (size == 0)
            {
                // F0 skips sixteen zeros; anything else without a value ends the block.
                if (symbol != 0xF0)
                    break;
                index += 16;
                continue;
            }

            index += symbol >> 4;
            last = index;
            block[order[index++]] = (short)TakeExtended(size, ref bits, ref count);
        }

        reader.Bits = bits;
        reader.Count = count;
        return last;
    }

    private static int DropCode(JpegHuffmanTable table, int entry, ref ulong bits, ref int count)
    {
        int size = (entry >> 4) & 15;
        int symbol = (entry >> 8) & 255;
        if (size == 0)
        {
            int code = table.DecodeLong(bits);
            (size, symbol) = (code >> 8, code & 255);
        }

        bits <<= size;
        count -= size;
        return symbol;
    }

    private static int TakeExtended(int size, ref ulong bits, ref int count)
    {
        int value = (int)(bits >> (64 - size));
        bits <<= size;
        count -= size;
        return JpegHuffmanTable.Extend(value, size);
    }
}
