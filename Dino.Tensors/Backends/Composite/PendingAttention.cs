namespace Dino.Tensors.Backends;

public abstract partial class Backend
{
    public virtual partial void Attention(in View qkv, float scale, in View y, in View logSumExp, in View probabilities) => throw new NotSupportedException("pending");
    public virtual partial void AttentionBackward(in View qkv, float scale, in View y, in View logSumExp, in View dy, in Destination dqkv) => throw new NotSupportedException("pending");
    public virtual partial void DinoLoss(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View loss, in View studentLogSumExp, in View teacherLogSumExp, in View teacherEntropy) => throw new NotSupportedException("pending");
    public virtual partial void DinoLossBackward(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View studentLogSumExp, in View teacherLogSumExp, in View dloss, in Destination dstudent) => throw new NotSupportedException("pending");
}
