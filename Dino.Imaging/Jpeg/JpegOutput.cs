namespace Dino.Imaging.Jpeg;

/// <summary>The last stage: kept coefficients to samples, samples to full resolution, components to RGB.</summary>
internal static class JpegOutput
{
    public static Image Render(JpegFrame frame, JpegColorSpace colorSpace)
    {
        if (frame.KeepsCoefficients)
        {
            foreach (JpegComponent component in frame.Components)
                TransformBlocks(component);
        }

        Image image = new(frame.Width, frame.Height, GC.AllocateUninitializedArray<byte>(frame.Width * frame.Height * 3));
        JpegUpsampler[] rows = [.. frame.Components.Select(component => new JpegUpsampler(frame, component))];
        for (int y = 0; y < frame.Height; y++)
        {
            Span<byte> rgb = image.Row(y);
            switch (colorSpace)
            {
                case JpegColorSpace.Gray:
                    JpegColor.GrayToRgb(rows[0].Row(y), rgb);
                    break;
                case JpegColorSpace.Rgb:
                    JpegColor.Interleave(rows[0].Row(y), rows[1].Row(y), rows[2].Row(y), rgb);
                    break;
                case JpegColorSpace.YCbCr:
                    JpegColor.YCbCrToRgb(rows[0].Row(y), rows[1].Row(y), rows[2].Row(y), rgb);
                    break;
                case JpegColorSpace.Cmyk:
                    JpegColor.CmykToRgb(rows[0].Row(y), rows[1].Row(y), rows[2].Row(y), rows[3].Row(y), rgb);
                    break;
                default:
                    JpegColor.YcckToRgb(rows[0].Row(y), rows[1].Row(y), rows[2].Row(y), rows[3].Row(y), rgb);
                    break;
            }
        }

        return image;
    }

    private static void TransformBlocks(JpegComponent component)
    {
        for (int y = 0; y < component.BlocksHigh; y++)
        {
            for (int x = 0; x < component.BlocksWide; x++)
            {
                Span<short> block = component.Block(x, y);
                JpegIdct.Transform(block, !block[1..].ContainsAnyExcept((short)0), component, x, y);
            }
        }
    }
}
