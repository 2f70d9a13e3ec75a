// From the start of the process to one embedding in ONNX Runtime for Node. Usage: startup_onnx.js vit_tiny|vit_small THREADS
const fs = require('fs');
const [name, threads] = process.argv.slice(2);
const graph = `${process.env.PEERS_DIR}/graphs/${name}_batch1.onnx`;
const library = `${process.env.PEERS_DIR}/ort/node_modules/onnxruntime-node`;
for (const path of [graph, library]) {
  if (!fs.existsSync(path)) {
    console.error(`${path} is missing`);
    process.exit(3);
  }
}

const runtime = require(library);
(async () => {
  const options = { intraOpNumThreads: Number(threads), interOpNumThreads: 1, graphOptimizationLevel: 'all' };
  const session = await runtime.InferenceSession.create(graph, options);
  const picture = new runtime.Tensor('float32', new Float32Array(3 * 224 * 224), [1, 3, 224, 224]);
  const result = await session.run({ x: picture });
  process.exit(result.y.data.every(Number.isFinite) ? 0 : 1);
})();
