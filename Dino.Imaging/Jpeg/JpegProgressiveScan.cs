namespace Dino.Imaging.Jpeg;

/// <summary>Decodes one scan of a progressive frame into the kept coefficients (T.81 annex G).</summary>
internal static class JpegProgressiveScan
{
    public static void Decode(JpegFrame frame, JpegScan scan, ref JpegEntropySource source)
    {
        (int wide, int high) = scan.Mcus(frame);
        int untilRestart = scan.RestartInterval;
        // Blocks still covered by the last end-of-band code.
        int endOfBand = 0;
        for (int y = 0; y < high; y++)
        {
            for (int x = 0; x < wide; x++)
            {
                if (scan.RestartInterval > 0 && untilRestart-- == 0)
                {
                    source.Restart();
                    untilRestart = scan.RestartInterval - 1;
                    endOfBand = 0;
                    foreach (ref JpegScanComponent part in scan.Components.AsSpan())
                        part.Prediction = 0;
                }

                if (source.IsExhausted)
                    continue;
                if (scan.Start == 0)
                    DecodeDc(scan, ref source.Reader, x, y);
                else if (scan.High == 0)
                    DecodeAcFirst(scan, ref source.Reader, scan.Components[0].Component.Block(x, y), ref endOfBand);
                else
                    RefineAc(scan, ref source.Reader, scan.Components[0].Component.Block(x, y), ref endOfBand);
                source.CheckExhausted();
            }
        }
    }

    /// <summary>One MCU of DC values, or of the next lower bit of each.</summary>
    private static void DecodeDc(JpegScan scan, ref JpegBitReader reader, int x, int y)
    {
        foreach (ref JpegScanComponent part in scan.Components.AsSpan())
        {
            (int h, int v) = scan.IsInterleaved ? (part.Component.H, part.Component.V) : (1, 1);
            for (int i = 0; i < h * v; i++)
            {
                Span<short> block = part.Component.Block(x * h + i % h, y * v + i / h);
                if (scan.High > 0)
                {
                    if (reader.Take(1) != 0)
                        block[0] |= (short)(1 << scan.Low);
                    continue;
                }

                int size = reader.DecodeSymbol(part.Dc!);
                if (size > 0)
                    part.Prediction += JpegHuffmanTable.Extend(reader.Take(size), size);
                block[0] = (short)(part.Prediction << scan.Low);
            }
        }
    }

    /// <summary>First pass over a band: values with runs of zeros, and runs of blocks without more values.</summary>
    private static void DecodeAcFirst(JpegScan scan, ref JpegBitReader reader, Span<short> block, ref int endOfBand)
    {
        if (endOfBand > 0)
        {
            endOfBand--;
            return;
        }

        JpegHuffmanTable table = scan.Components[0].Ac!;
        byte[] order = JpegBlock.FromZigzag;
        for (int index = scan.Start; index <= scan.End; index++)
        {
            int symbol = reader.DecodeSymbol(table);
            (int run, int size) = (symbol >> 4, symbol & 15);
            if (size > 0)
            {
                index += run;
                block[order[index]] = (short)(JpegHuffmanTable.Extend(reader.Take(size), size) << scan.Low);
            }
            else if (run == 15)
            {
                index += 15;
            }
            else
            {
                endOfBand = EndOfBand(ref reader, run) - 1;
                return;
            }
        }
    }

    /// <summary>Refinement: values that become nonzero now, with a correction bit for each nonzero one passed on the way.</summary>
    private static void RefineAc(JpegScan scan, ref JpegBitReader reader, Span<short> block, ref int endOfBand)
    {
        JpegHuffmanTable table = scan.Components[0].Ac!;
        byte[] order = JpegBlock.FromZigzag;
        short bit = (short)(1 << scan.Low);
        int index = scan.Start;
        while (endOfBand == 0 && index <= scan.End)
        {
            int symbol = reader.DecodeSymbol(table);
            (int run, int size) = (symbol >> 4, symbol & 15);
            short value = 0;
            if (size > 0)
            {
                value = reader.Take(1) != 0 ? bit : (short)-bit;
            }
            else if (run < 15)
            {
                endOfBand = EndOfBand(ref reader, run);
                break;
            }

            // Skip `run` zeros, refining what lies between them, and stop on the zero that follows.
            for (; index <= scan.End; index++)
            {
                ref short coefficient = ref block[order[index]];
                if (coefficient != 0)
                    Correct(ref reader, ref coefficient, bit);
                else if (--run < 0)
                    break;
            }

            if (value != 0)
                block[order[index]] = value;
            index++;
        }

        if (endOfBand == 0)
            return;
        for (; index <= scan.End; index++)
        {
            ref short coefficient = ref block[order[index]];
            if (coefficient != 0)
                Correct(ref reader, ref coefficient, bit);
        }

        endOfBand--;
    }

    private static void Correct(ref JpegBitReader reader, ref short coefficient, short bit)
    {
        // The bit may be there already in damaged data: then it stays.
        if (reader.Take(1) != 0 && (coefficient & bit) == 0)
            coefficient += coefficient >= 0 ? bit : (short)-bit;
    }

    private static int EndOfBand(ref JpegBitReader reader, int run) => (1 << run) + (run > 0 ? reader.Take(run) : 0);
}
