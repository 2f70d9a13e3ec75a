using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>Loss, gradient and centre over several calls against the official DINOLoss and lightly's.</summary>
public class DinoLossFixtureTests
{
    /// <summary>Told apart by what their settings say, not by name.</summary>
    public static TheoryData<string, string> Official => OnAllDevices("wte");

    public static TheoryData<string, string> Lightly => OnAllDevices("views");

    [FixtureTheory, MemberData(nameof(Official))]
    public void Official_loss_agrees(string id, string device)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        JsonElement config = golden.Config;
        double Number(string name, double otherwise) => config.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : otherwise;
        int epochs = (int)Number("ep", 1);
        Schedule temperatures = Schedule.PerEpoch(Number("wt", 0.04), Number("tt", 0.04), (int)Number("wte", 0), epochs);
        double[] epoch = golden.Doubles("in.epoch");
        float[] used = [.. epoch.Select(e => (float)temperatures[(long)e])];
        golden.AssertMatches("out.teacher_temp", used);
        Run(golden, device, Number("st", 0.1), Number("cm", 0.9), (int)Number("B", 0), call => used[call]);
    }

    [FixtureTheory, MemberData(nameof(Lightly))]
    public void Lightly_loss_agrees(string id, string device)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        JsonElement config = golden.Config;
        double Number(string name) => config.GetProperty(name).GetDouble();
        Schedule temperatures = Schedule.PerEpoch(Number("warmup_teacher_temp"), Number("teacher_temp"), config.GetProperty("warmup_teacher_temp_epochs").GetInt32(), 64);
        bool hasArgument = config.TryGetProperty("teacher_temp_arg", out JsonElement argument) && argument.ValueKind == JsonValueKind.Number;
        bool passesEpochs = config.GetProperty("epochs_passed").GetBoolean();
        // Lightly uses the final temperature when no epoch is passed.
        Run(golden, device, Number("student_temp"), Number("center_momentum"), golden.Shape("in.student")[2],
            call => (float)(hasArgument ? argument.GetDouble() : passesEpochs ? temperatures[call] : Number("teacher_temp")));
    }

    private static TheoryData<string, string> OnAllDevices(string setting) =>
        Devices.With(FixtureStore.Names("c_loss").Where(name => Configures(name, setting)).Select(name => $"c_loss/{name}"));

    private static bool Configures(string name, string setting)
    {
        using FixtureCase golden = new(FixtureStore.PathOf("c_loss", name));
        return golden.Config.TryGetProperty(setting, out _);
    }

    private static void Run(FixtureCase golden, string deviceName, double studentTemperature, double centreMomentum, int batch, Func<int, float> teacherTemperature)
    {
        int[] shape = golden.Shape("in.student");
        int calls = shape[0], prototypes = shape[^1];
        float[] student = golden.Singles("in.student"), teacher = golden.Singles("in.teacher");
        int studentCount = student.Length / calls, teacherCount = teacher.Length / calls;
        float[] losses = new float[calls], gradients = new float[student.Length], centres = new float[calls * prototypes];
        using Device device = Devices.Create(deviceName);
        using TeacherCentre centre = new(device, prototypes, centreMomentum);
        for (int call = 0; call < calls; call++)
        {
            using Scope scope = device.OpenScope();
            Tensor s = scope.Upload<float>(student.AsSpan(call * studentCount, studentCount), [studentCount / prototypes, prototypes], requiresGradient: true);
            Tensor t = scope.Upload<float>(teacher.AsSpan(call * teacherCount, teacherCount), [teacherCount / prototypes, prototypes]);
            Tensor loss = s.DinoLoss(t, centre.Value, (float)studentTemperature, teacherTemperature(call), batch, out _);
            scope.Backward(loss);
            losses[call] = loss.Item();
            s.GradientToArray().CopyTo(gradients, call * studentCount);
            centre.Update(t);
            centre.Value.Read(centres.AsSpan(call * prototypes, prototypes));
        }

        golden.AssertMatches("out.loss", losses);
        golden.AssertMatches("grad.student", gradients);
        golden.AssertMatches("out.center", centres);
    }
}
