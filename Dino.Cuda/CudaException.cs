namespace Dino.Cuda;

/// <summary>A call of the CUDA driver failed; the message has the call, the name of the error and what the driver says about it.</summary>
public sealed class CudaException : Exception
{
    /// <summary>The failure of a call.</summary>
    /// <param name="call">Text of the call, such as <c>cuInit(0)</c>.</param>
    /// <param name="code">What it returned.</param>
    /// <param name="name">Name of the error, such as <c>CUDA_ERROR_NO_DEVICE</c>.</param>
    /// <param name="explanation">A sentence about it, without the full stop.</param>
    internal CudaException(string call, int code, string name, string explanation)
        : base($"{call} failed: {name} ({code}), {explanation}.") => (Call, Code, ErrorName) = (call, code, name);

    /// <summary>Text of the call that failed, such as <c>cuInit(0)</c>.</summary>
    public string Call { get; }

    /// <summary>The driver's code of the error (<c>CUresult</c>).</summary>
    public int Code { get; }

    /// <summary>The driver's name of the error, such as <c>CUDA_ERROR_NO_DEVICE</c>.</summary>
    public string ErrorName { get; }
}
