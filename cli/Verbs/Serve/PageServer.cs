using System.Net;
using System.Net.Mime;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OnnxVae.Cli.Terminal;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Serve;

/// <summary>A page to play with a model, on this machine only: sliders over the latents, samples, reconstruction and interpolation of a user's images.</summary>
internal static partial class PageServer
{
    private const long LargestUpload = 64 << 20;

    /// <summary>Starts the server.</summary>
    /// <param name="vae">The model; it has to live as long as the server.</param>
    /// <param name="name">Its name on the page.</param>
    /// <param name="port">The port; 0 for any free port.</param>
    /// <param name="condition">What the model is always given; null for nothing, or a class that the page chooses.</param>
    /// <exception cref="IOException">The port is in use.</exception>
    public static Task<WebApplication> StartAsync(TrainedVae vae, string name, int port, Condition? condition = null)
    {
        var model = new ModelApi(vae, name, condition);
        return StartAsync(port, "index.html", "page.js", app =>
        {
            app.MapGet("/api/model", model.Model);
            app.MapPost("/api/decode", model.Decode);
            app.MapGet("/api/samples", model.Samples);
            app.MapPost("/api/reconstruct", model.ReconstructAsync);
            app.MapPost("/api/interpolate", model.Interpolate);
        });
    }

    /// <summary>Starts the server of a colorizer.</summary>
    /// <param name="colorizer">The colorizer; it has to live as long as the server.</param>
    /// <param name="name">Its name on the page.</param>
    /// <param name="port">The port; 0 for any free port.</param>
    /// <exception cref="IOException">The port is in use.</exception>
    public static Task<WebApplication> StartAsync(Colorizer colorizer, string name, int port)
    {
        var model = new ColorizerApi(colorizer, name);
        return StartAsync(port, "colorize.html", "colorize.js", app =>
        {
            app.MapGet("/api/model", model.Model);
            app.MapPost("/api/colorize", model.ColorizeAsync);
        });
    }

    private static async Task<WebApplication> StartAsync(int port, string page, string script, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear(); // environment variables and files could name addresses of other machines
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Limits.MaxRequestBodySize = LargestUpload;
            options.Listen(IPAddress.Loopback, port);
        });
        var app = builder.Build();
        app.Use(RefuseOtherSites);
        app.UseStatusCodePages(context => Explain(context.HttpContext, context.HttpContext.Response.StatusCode, "There is no answer to such a request here."));
        app.Use(ExplainErrors);
        app.MapGet("/", () => Resource(page, MediaTypeNames.Text.Html));
        app.MapGet("/page.css", () => Resource("page.css", MediaTypeNames.Text.Css));
        foreach (string file in (string[])["server.js", script])
        {
            app.MapGet($"/{file}", () => Resource(file, MediaTypeNames.Text.JavaScript));
        }

        map(app);
        try
        {
            await app.StartAsync();
        }
        catch (IOException e)
        {
            await app.DisposeAsync();
            throw new IOException($"Port {port} cannot be used: another program may listen there. Give another --port, or 0 for one that is free.", e);
        }

        return app;
    }

    private static IResult Resource(string name, string type) =>
        Results.Stream(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!, $"{type}; charset=utf-8");

    // Pages of other sites could reach this address too: through another host name for it, or by submitting forms.
    private static Task RefuseOtherSites(HttpContext context, Func<Task> next)
    {
        string host = context.Request.Host.Host, origin = context.Request.Headers.Origin.ToString();
        bool isOwn = host is "localhost" or "127.0.0.1" && (origin.Length == 0 || origin == $"http://{context.Request.Host}")
            && context.Request.Headers["Sec-Fetch-Site"].ToString() is "" or "same-origin" or "none";
        return isOwn ? next() : Explain(context, StatusCodes.Status403Forbidden, "Only this page may ask.");
    }

    private static async Task ExplainErrors(HttpContext context, Func<Task> next)
    {
        try
        {
            await next();
        }
        catch (BadHttpRequestException e)
        {
            await Explain(context, e.StatusCode, WithoutTypes(e.Message));
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException)
        {
            await Explain(context, StatusCodes.Status400BadRequest, Explanation.Of(e));
        }
        catch (Exception e) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            await Explain(context, StatusCodes.Status500InternalServerError, $"The model could not be asked: {Explanation.Of(e)}");
        }
    }

    // The framework's messages contain the types of handlers.
    private static string WithoutTypes(string message) => UnreadableValue().Match(message) is { Success: true } match
        ? $"'{match.Groups["name"].Value}' is '{match.Groups["value"].Value}', which cannot be read: expected a whole number."
        : MissingValue().Match(message) is { Success: true } missing ? $"'{missing.Groups["name"].Value}' is missing."
        : "The request cannot be read: expected what the page sends.";

    [GeneratedRegex("^Failed to bind parameter \"\\S+ (?<name>\\w+)\" from \"(?<value>.*)\"\\.", RegexOptions.Singleline)]
    private static partial Regex UnreadableValue();

    [GeneratedRegex("^Required parameter \"\\S+ (?<name>\\w+)\" was not provided")]
    private static partial Regex MissingValue();

    private static Task Explain(HttpContext context, int status, string error)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { error });
    }
}
