using Dino.Imaging;
using Dino.Ssl.Data;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Ssl.Embedding;

/// <summary>
/// Turns pictures into feature vectors. Load one for the whole application: any number of threads may use it at once, it computes one pass at a time on all threads of its device,
/// and holds no more buffers than that needs, however many requests wait.
/// </summary>
/// <remarks>
/// On the CPU a feature has the same bits whatever else is computed at the time, alone or in a batch. A picture that cannot be decoded fails its own request only. After
/// <see cref="Dispose"/> every call throws <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed partial class ImageEmbedder : IDisposable
{
    private readonly Visits _visits = new(nameof(ImageEmbedder));
    private readonly FeatureExtractor _features;
    private readonly EmbedderOptions _options;
    private readonly BoundedPool<PreparedPicture> _pictures;
    private readonly BoundedPool<ISampleWriter> _writers;
    private readonly BoundedPool<BatchBuffers> _batches;
    private readonly SemaphoreSlim _passes = new(1);
    private readonly BatchFormer? _former;
    private readonly bool _ownsDevice;
    private readonly int _chunk;

    private ImageEmbedder(LoadedModel model, FeatureExtractor features, EmbedderOptions options, string name)
    {
        Preprocessing = options.Preprocessing ?? model.Preprocessing;
        (Model, _features, _options, Name, _ownsDevice) = (model, features, options, name, options.Device is null);
        int pixels = checked(Preprocessing.Channels * Preprocessing.Size * Preprocessing.Size), cores = Environment.ProcessorCount;
        // Each core prepares a picture while one is in the pass; batches are filled while the one before is computed.
        int prepared = options.MaxBatch > 1 ? 2 * options.MaxBatch : cores + 1;
        _pictures = new BoundedPool<PreparedPicture>(prepared, () => new PreparedPicture(pixels, Width));
        _writers = new BoundedPool<ISampleWriter>(cores, () => new EvaluationTransform(Preprocessing).CreateWriter());
        // Passes of about eight full-sized pictures: more pays for small ones only.
        _chunk = Math.Clamp(8 * 224 * 224 / (Preprocessing.Size * Preprocessing.Size), 4, 64);
        _batches = new BoundedPool<BatchBuffers>(2, () => new BatchBuffers(_chunk, pixels, Width));
        if (options.MaxBatch > 1)
        {
            BatchBuffers shared = new(options.MaxBatch, pixels, Width);
            _former = new BatchFormer(options.MaxBatch, options.BatchDelay, pictures => Compute(shared, pictures));
        }
    }

    /// <summary>The network. It belongs to the embedder.</summary>
    public LoadedModel Model { get; }

    /// <summary>Length of a feature, D.</summary>
    public int Width => _features.Width;

    /// <summary>Which feature.</summary>
    public FeatureKind FeatureKind => _features.Kind;

    /// <summary>What the network sees of a picture.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>What the model is called: the name of its folder, or of its file without the ending.</summary>
    public string Name { get; }

    /// <summary>Pictures of the largest pass that requests have shared, 0 where they do not.</summary>
    internal int LargestBatch => _former?.LargestBatch ?? 0;

    /// <summary>Requests that wait for a pass to share, 0 where they do not.</summary>
    internal int Waiting => _former?.Waiting ?? 0;

    /// <summary>Buffers that were made so far: of requests, of threads that prepare, of batches.</summary>
    internal (int Pictures, int Writers, int Batches) Buffers => (_pictures.Created, _writers.Created, _batches.Created);

    /// <summary>Loads a network, with its weights packed for speed.</summary>
    /// <param name="path">A weight file, checkpoint or folder of a model, as <see cref="ModelFile.Load"/> takes them. It is not needed afterwards.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the network has no such feature.</exception>
    /// <exception cref="InvalidDataException">The file does not hold a network that is known here.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ImageEmbedder Load(string path, EmbedderOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new EmbedderOptions();
        options.Validate();
        Device device = options.Device ?? new CpuDevice(options.Threads);
        LoadedModel? model = null;
        try
        {
            model = ModelFile.Load(path, device, new ModelLoadOptions { Format = options.Precision, Key = options.Key, Channels = options.Channels });
            FeatureExtractor features = new(model, options.FeatureKind, options.Normalize, options.Blocks);
            return new ImageEmbedder(model, features, options, NameOf(path));
        }
        catch
        {
            model?.Dispose();
            if (options.Device is null)
                device.Dispose();
            throw;
        }
    }

    /// <summary>The feature of a picture file.</summary>
    /// <param name="path">A PNG or JPEG file; the content decides, not the name.</param>
    /// <returns>[D].</returns>
    /// <exception cref="ImageException">It is corrupt, unsupported or too large; the message begins with the path.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public float[] Embed(string path) => New(Source(path));

    /// <summary>The feature of an encoded picture.</summary>
    /// <param name="stream">A PNG or JPEG picture, read to its end; it stays open.</param>
    /// <returns>[D].</returns>
    /// <exception cref="ImageException">It is corrupt, unsupported or too large.</exception>
    public float[] Embed(Stream stream) => New(Source(stream));

    /// <summary>The feature of a decoded picture.</summary>
    /// <param name="image">The picture; it is not changed.</param>
    /// <returns>[D].</returns>
    public float[] Embed(Image image) => New(Source(image));

    /// <summary>The feature of pixels.</summary>
    /// <param name="pixels">R, G, B, R, G, B, ... row by row: width · height · 3 bytes. They are copied.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <returns>[D].</returns>
    /// <exception cref="ArgumentException">The number of bytes is another.</exception>
    public float[] Embed(ReadOnlySpan<byte> pixels, int width, int height) => Embed(new Image(width, height, pixels.ToArray()));

    /// <inheritdoc cref="Embed(string)"/>
    /// <param name="feature">[D], written.</param>
    public void Embed(string path, Span<float> feature) => Write(Source(path), feature);

    /// <inheritdoc cref="Embed(Stream)"/>
    /// <param name="feature">[D], written.</param>
    public void Embed(Stream stream, Span<float> feature) => Write(Source(stream), feature);

    /// <summary>The feature of a decoded picture. When warm it allocates no managed memory.</summary>
    /// <param name="image">The picture; it is not changed.</param>
    /// <param name="feature">[D], written.</param>
    public void Embed(Image image, Span<float> feature) => Write(Source(image), feature);

    /// <inheritdoc cref="Embed(ReadOnlySpan{byte}, int, int)"/>
    /// <param name="feature">[D], written.</param>
    public void Embed(ReadOnlySpan<byte> pixels, int width, int height, Span<float> feature) => Embed(new Image(width, height, pixels.ToArray()), feature);

    /// <summary>Lets no request begin any more, waits for those that have, and frees the model, and the device unless it was given. Requests that are waiting for their turn end in <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        bool isFirst = _visits.Close();
        _former?.Hurry();
        _visits.Wait();
        if (!isFirst)
            return;
        _former?.Dispose();
        Model.Dispose();
        if (_ownsDevice)
            Model.Device.Dispose();
        _pictures.Dispose();
        _writers.Dispose();
        _batches.Dispose();
        _passes.Dispose();
    }

    private static string NameOf(string path) => Directory.Exists(path) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))) : Path.GetFileNameWithoutExtension(path);

    private static FileSource Source(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new FileSource(path);
    }

    private static StreamSource Source(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new StreamSource(stream);
    }

    private static DecodedSource Source(Image image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new DecodedSource(image);
    }

    private float[] New<TSource>(TSource source)
        where TSource : struct, IPictureSource
    {
        float[] feature = new float[Width];
        Write(source, feature);
        return feature;
    }

    private void Write<TSource>(TSource source, Span<float> feature)
        where TSource : struct, IPictureSource
    {
        if (feature.Length != Width)
            throw new ArgumentException($"A feature has {Width} numbers, there is room for {feature.Length}.", nameof(feature));
        using Visits.Visit visit = _visits.Enter();
        PreparedPicture picture = _pictures.Rent(CancellationToken.None);
        try
        {
            Prepare(source, picture.Pixels, CancellationToken.None);
            if (_former is null)
            {
                Pass(picture.Pixels, 1, feature);
            }
            else
            {
                _former.Add(picture).GetAwaiter().GetResult();
                picture.Feature.CopyTo(feature);
            }
        }
        finally
        {
            _pictures.Return(picture);
        }
    }

    /// <summary>Decodes a picture and brings it to the input of the network. As many at once as there are cores.</summary>
    private void Prepare<TSource>(TSource source, Span<float> pixels, CancellationToken cancellationToken)
        where TSource : struct, IPictureSource
    {
        ISampleWriter writer = _writers.Rent(cancellationToken);
        try
        {
            _visits.ThrowIfClosed();
            writer.Write(source.Open(_options.Limits), 0, default, pixels);
        }
        finally
        {
            _writers.Return(writer);
        }
    }

    /// <summary>One pass at a time: it has all threads of the device.</summary>
    private void Pass(ReadOnlySpan<float> pixels, int count, Span<float> features, CancellationToken cancellationToken = default)
    {
        _passes.Wait(cancellationToken);
        try
        {
            Compute(pixels, count, features);
        }
        finally
        {
            _passes.Release();
        }
    }

    private void Compute(ReadOnlySpan<float> pixels, int count, Span<float> features)
    {
        _visits.ThrowIfClosed();
        _features.Extract(pixels, [count, Preprocessing.Channels, Preprocessing.Size, Preprocessing.Size], features);
    }
}
