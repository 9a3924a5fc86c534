// Trains the artifacts in a folder with ONNX Runtime Training's WebAssembly build.
// case.json: { steps, inputs: [{ name, type, dims }] }; data.bin: the inputs of each step, one after the other.
// The result, result.json, is { losses, parameters } or { error }: parameters in the order of the training model's inputs, in one list. The runtime saves its checkpoint as "trained".
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { save } from './checkpoint.mjs';
import * as ort from './node_modules/onnxruntime-web-training/dist/ort.training.wasm.min.mjs';

const types = { uint8: Uint8Array, float32: Float32Array, int64: BigInt64Array };
const folder = process.argv[2];
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL('./node_modules/onnxruntime-web-training/dist/', import.meta.url).href;

async function train() {
  const read = file => readFile(join(folder, file));
  const session = await ort.TrainingSession.create({
    checkpointState: await read('checkpoint'),
    trainModel: await read('training_model.onnx'),
    evalModel: await read('eval_model.onnx'),
    optimizerModel: await read('optimizer_model.onnx'),
  });
  const { steps, inputs } = JSON.parse(await read('case.json'));
  const data = await read('data.bin');
  const losses = [];
  for (let step = 0, at = data.byteOffset; step < steps; step++) {
    const feeds = {};
    for (const { name, type, dims } of inputs) {
      const end = at + dims.reduce((product, size) => product * size, types[type].BYTES_PER_ELEMENT);
      feeds[name] = new ort.Tensor(type, new types[type](data.buffer.slice(at, end)), dims);
      at = end;
    }

    losses.push((await session.runTrainStep(feeds)).loss.data[0]);
    await session.runOptimizerStep();
    await session.lazyResetGrad();
  }

  await writeFile(join(folder, 'trained'), save()); // before the parameters are asked for, after which that build's memory is not always in order
  const parameters = Array.from((await session.getContiguousParameters(true)).data);
  return { losses, parameters };
}

await writeFile(join(folder, 'result.json'), JSON.stringify(await train().catch(error => ({ error: String(error.message ?? error) }))));
