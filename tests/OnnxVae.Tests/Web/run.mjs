// Runs every case of a folder in ONNX Runtime's WebAssembly build and writes what it computes beside it.
// A case is NAME.onnx with NAME.json: { inputs: { NAME: { type, dims, data } } }, data in base64.
// The result, NAME.result.json, is { outputs: { NAME: [numbers] } } or { error }.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';

const types = { float32: Float32Array, int64: BigInt64Array };
const folder = process.argv[2];
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

function tensor({ type, dims, data }) {
  const bytes = Buffer.from(data, 'base64');
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return new ort.Tensor(type, new types[type](buffer), dims);
}

async function run(name) {
  const { inputs } = JSON.parse(await readFile(join(folder, `${name}.json`)));
  const session = await ort.InferenceSession.create(await readFile(join(folder, `${name}.onnx`)), { executionProviders: ['wasm'] });
  const results = await session.run(Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, tensor(value)])));
  const outputs = Object.fromEntries(Object.entries(results).map(([key, value]) => [key, Array.from(value.data, Number)]));
  await session.release();
  return { outputs };
}

for (const file of (await readdir(folder)).filter(file => file.endsWith('.onnx'))) {
  const name = file.slice(0, -'.onnx'.length);
  const result = await run(name).catch(error => ({ error: String(error.message ?? error) }));
  await writeFile(join(folder, `${name}.result.json`), JSON.stringify(result));
}
