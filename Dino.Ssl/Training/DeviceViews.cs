using Dino.Imaging.Transforms;
using Dino.Ssl.Data;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Training;

/// <summary>
/// The views of a batch, made on the device from decoded pictures, in tensors that stay where they are: a step can be recorded over them. They are made
/// before the step is opened, because how much is copied for them differs from batch to batch.
/// </summary>
internal sealed class DeviceViews : IDisposable
{
    private readonly (int First, int Count, CropFormat Format)[] _groups;
    private readonly TensorStore _store;
    private readonly Tensor[] _views;

    private DeviceViews(Device device, Augmentation augmentation, CropFilter filter, MultiCropOptions crops, int batch)
    {
        Augmentation = augmentation;
        PixelNormalization pixels = crops.Normalization;
        // The teacher sees the global views alone: they are a group of their own, as in DinoTrainer.
        (int First, int Count, int Side)[] groups = [(0, 2, crops.GlobalSize), (2, crops.LocalCrops, crops.LocalSize)];
        _groups = [.. groups.Where(group => group.Count > 0).Select(group => (group.First, group.Count, new CropFormat(group.Side, filter, pixels.Mean, pixels.StandardDeviation)))];
        _store = new TensorStore(device, [.. _groups.Select(group => new Shape(group.Count * batch, 3, group.Format.Side, group.Format.Side))], withGradients: false);
        _views = [.. Enumerable.Range(0, _groups.Length).Select(i => _store[i])];
    }

    /// <summary>What makes them.</summary>
    public Augmentation Augmentation { get; }

    /// <summary>Views for batches of a size.</summary>
    /// <param name="device">Where to make them.</param>
    /// <param name="crops">The views of each picture.</param>
    /// <param name="batch">Pictures.</param>
    /// <exception cref="ArgumentException">The device does not make views, or not with this filter.</exception>
    public static DeviceViews Create(Device device, MultiCropOptions crops, int batch)
    {
        CropFilter filter = crops.Filter switch
        {
            ResizeFilter.Box => CropFilter.Box,
            ResizeFilter.Bilinear => CropFilter.Bilinear,
            ResizeFilter.Bicubic => CropFilter.Bicubic,
            _ => throw new ArgumentException($"Devices resize with Box, Bilinear and Bicubic, not with {crops.Filter}. Choose one of them, or let the CPU augment (--augment cpu)."),
        };
        Augmentation augmentation = device.Backend.CreateAugmentation()
            ?? throw new ArgumentException($"The device {device.Name} does not augment pictures. Use --augment cpu, or --device cuda.");
        try
        {
            return new DeviceViews(device, augmentation, filter, crops, batch);
        }
        catch
        {
            augmentation.Dispose();
            throw;
        }
    }

    /// <summary>Queues the making of the views of a batch, which must not be taken back before the device has been waited for: a step waits.</summary>
    /// <param name="batch">Full, of a loader for <see cref="Augmentation"/>.</param>
    /// <returns>The two global views [2·B, 3, H, W], then the local ones, view by view; valid until the next call.</returns>
    public ReadOnlySpan<Tensor> Make(SampleBatch batch)
    {
        PictureBatch pictures = batch.Pictures ?? throw new ArgumentException("The batch holds views, not pictures.", nameof(batch));
        Augmentation.Upload(pictures.Pictures);
        for (int i = 0; i < _groups.Length; i++)
            Augmentation.Make(pictures.Crops(_groups[i].First, _groups[i].Count), _groups[i].Format, _views[i].View);
        return _views;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Augmentation.Dispose();
        _store.Dispose();
    }
}
