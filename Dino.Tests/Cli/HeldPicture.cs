using System.Runtime.InteropServices;

namespace Dino.Tests.Cli;

/// <summary>
/// Puts a named pipe in the place of a picture: whoever reads it waits until the test lets go. So a run stands still where the test wants it, however long
/// the test is kept from looking.
/// </summary>
internal sealed partial class HeldPicture : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _path;
    private readonly byte[] _content;
    private readonly DateTime _modified;
    private readonly Thread _thread;
    private readonly SemaphoreSlim _asked = new(0), _given = new(0);
    private volatile bool _isClosed;

    /// <param name="path">The picture; it is there again when this is disposed.</param>
    public HeldPicture(string path)
    {
        (_path, _content, _modified) = (path, File.ReadAllBytes(path), File.GetLastWriteTimeUtc(path));
        Renew();
        _thread = new Thread(Serve) { IsBackground = true, Name = "Held picture" };
        _thread.Start();
    }

    /// <summary>Waits until a reader has come that none of the earlier calls has seen.</summary>
    public void WaitUntilAsked(DinoProcess process)
    {
        if (!_asked.Wait(Patience))
            Assert.Fail(process.HasExited ? $"dino ended before it read the picture: {process.Wait()}" : $"Nobody read the picture for {Patience}.");
    }

    /// <summary>Lets so many readers have the picture, those who wait and those to come.</summary>
    public void Give(int times = 1) => _given.Release(times);

    public void Dispose()
    {
        _isClosed = true;
        // Both ends at once end the wait for either.
        do
            new FileStream(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
        while (!_thread.Join(TimeSpan.FromMilliseconds(5)));
        File.Delete(_path);
        File.WriteAllBytes(_path, _content);
        File.SetLastWriteTimeUtc(_path, _modified);
        _asked.Dispose();
        _given.Dispose();
    }

    private void Serve()
    {
        while (true)
        {
            // Returns when there is a reader.
            using FileStream pipe = new(_path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            if (_isClosed)
                return;
            _asked.Release();
            while (!_given.Wait(TimeSpan.FromMilliseconds(5)))
            {
                if (_isClosed)
                    return;
            }

            // A pipe for one reader: the next one who opens it shall not be mistaken for this one.
            Renew();
            try
            {
                pipe.Write(_content);
            }
            catch (IOException)
            {
                // The reader has gone.
            }
        }
    }

    private void Renew()
    {
        string pipe = _path + ".pipe";
        Assert.Equal(0, MakePipe(pipe, 0x180));
        File.SetLastWriteTimeUtc(pipe, _modified);
        File.Move(pipe, _path, overwrite: true);
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakePipe(string path, uint mode);
}
