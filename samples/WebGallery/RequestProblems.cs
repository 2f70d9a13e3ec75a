using Dino.Imaging;
using Microsoft.AspNetCore.Diagnostics;

namespace Dino.Samples.WebGallery;

/// <summary>Says in problem+json what is wrong with a picture. A request that fails takes no other with it.</summary>
internal sealed class RequestProblems(IProblemDetailsService problems) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            // Nobody reads an answer; the status is for the log.
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        int? status = exception switch
        {
            BadHttpRequestException request => request.StatusCode,
            ImageTooLargeException => StatusCodes.Status413PayloadTooLarge,
            UnsupportedImageException => StatusCodes.Status415UnsupportedMediaType,
            ImageException => StatusCodes.Status422UnprocessableEntity,
            _ => null,
        };
        // Anything else is a fault of this program: the log has it, the visitor gets a bare 500.
        if (status is not { } code)
            return false;
        httpContext.Response.StatusCode = code;
        return await problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = { Status = code, Detail = exception.Message } });
    }
}
