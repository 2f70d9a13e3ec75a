using Dino.Cuda;
using Dino.Cuda.Execution;
using Dino.Cuda.Native;
using Dino.Tests.Cuda.Emulator;
using Segment = Dino.Tensors.Backends.Segment;

namespace Dino.Tests.Cuda;

/// <summary>Which segment tables a device keeps.</summary>
public sealed class SegmentTablesTests
{
    [Fact]
    public void Tables_that_have_not_been_asked_for_lately_make_room_and_all_are_freed()
    {
        EmulatedMachine machine = new();
        DriverTable driver = DriverTable.Fill(name => EmulatedDriver.Export(machine, name), out _)!;
        Assert.Equal(CudaResult.Success, Initialize(driver));
        using (CudaContext context = new(driver, 0))
        {
            using SegmentTables tables = new(context, new WorkQueue(context, isSynchronous: false));
            SegmentTable first = tables.Find(Segments(0)), second = tables.Find(Segments(1));
            for (int i = 2; i < 20; i++)
            {
                tables.Find(Segments(i));
                Assert.Same(first, tables.Find(Segments(0)));
            }

            Assert.Equal(8, tables.Count);
            Assert.NotSame(second, tables.Find(Segments(1)));
        }

        Assert.Empty(machine.Leftovers);
    }

    private static unsafe CudaResult Initialize(DriverTable driver) => driver.cuInit(0);

    private static Segment[] Segments(int i) => [new(0, 100 + i, 0.1f, 0, 1), new(200, 5000, 0.1f, 0, 1)];
}
