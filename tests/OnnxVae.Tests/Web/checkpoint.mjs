// ONNX Runtime Training's WebAssembly build 1.19.2 has the C API's function that saves a checkpoint, but neither an export for it nor a file system to write to.
// This module, imported before the runtime, gives it both. Names of one letter are those of that build's exports and imports.
let memory, exports, checkpoint, written;

const File = 77; // a descriptor that the build does not use
const system = {
  o: () => File, // openat
  m: (original, file, vectors, count, total) => { // fd_write
    if (file !== File) {
      return original(file, vectors, count, total);
    }

    const view = new DataView(memory.buffer);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const [start, length] = [view.getUint32(vectors + 8 * i, true), view.getUint32(vectors + 8 * i + 4, true)];
      written.push(Buffer.from(memory.buffer.slice(start, start + length)));
      sum += length;
    }

    view.setUint32(total, sum, true);
    return 0;
  },
  h: (original, file) => file === File ? 0 : original(file), // fd_close
};

const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (source, imports) => {
  const replaced = Object.entries(system).map(([name, call]) => [name, (...values) => call(imports.a[name], ...values)]);
  const { instance, module } = await instantiate(source, { ...imports, a: { ...imports.a, ...Object.fromEntries(replaced) } });
  memory = Object.values({ ...imports.a, ...instance.exports }).find(value => value instanceof WebAssembly.Memory);
  exports = { ...instance.exports, Ba: (...values) => checkpoint = instance.exports.Ba(...values) }; // OrtTrainingLoadCheckpoint
  return { instance: { exports }, module };
};

// The table of functions begins with LoadCheckpoint, SaveCheckpoint, CreateTrainingSession and CreateTrainingSessionFromBuffer; so many parameters they have.
function saveCheckpoint() {
  const table = Object.values(exports).find(value => value instanceof WebAssembly.Table);
  const parameters = index => index > 0 && index < table.length ? table.get(index)?.length : undefined;
  const words = new Uint32Array(memory.buffer);
  const start = words.findIndex((_, at) => [2, 3, 7, 10].every((count, i) => parameters(words[at + i]) === count));
  return table.get(words[start + 1]);
}

// The checkpoint that the last session trains, with the optimizer's state, as a file's content.
export function save() {
  const path = exports.Pa(8); // malloc
  new Uint8Array(memory.buffer).set(new TextEncoder().encode('saved\0'), path);
  written = [];
  const status = saveCheckpoint()(checkpoint, path, 1);
  if (status !== 0) {
    throw new Error(`saving ended with the status ${status}`);
  }

  return Buffer.concat(written);
}
