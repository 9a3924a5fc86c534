// Talks to the server on the same machine; nothing leaves it.
const $ = id => document.getElementById(id);

async function ask(path, options) {
  const response = await fetch(path, options).catch(() => { throw new Error("The server does not answer any more: start 'onnxvae serve' again."); });
  const answer = await response.json().catch(() => ({ error: `The server answered ${response.status}.` }));
  if (!response.ok) {
    throw new Error(answer.error);
  }
  $("error").hidden = true;
  return answer;
}

function explain(work) {
  return async () => {
    try {
      await work();
    } catch (error) {
      $("error").textContent = error.message;
      $("error").hidden = false;
    }
  };
}

const color = explain(async () => {
  const file = $("file").files[0];
  if (!file) {
    return;
  }
  const seed = Math.min(Math.max(0, Math.trunc($("seed").value)), Number.MAX_SAFE_INTEGER);
  const { grey, segments, colored } = await ask(`api/colorize?file=${encodeURIComponent(file.name)}&seed=${seed}`, { method: "POST", body: file });
  $("colored").replaceChildren(...[grey, segments, ...colored].map((picture, i) => {
    const image = new Image();
    image.src = picture;
    image.alt = i === 0 ? "What the model sees" : i === 1 ? "Its segments" : `Way ${i - 1} to color it`;
    return image;
  }));
});

$("file").addEventListener("change", color);
$("seed").addEventListener("change", color);
$("more").addEventListener("click", () => {
  $("seed").value = Number($("seed").value) + 1;
  color();
});

await explain(async () => {
  const model = await ask("api/model");
  document.title = $("name").textContent = model.name;
  $("about").textContent = `${model.segments} segments, images of ${model.width} x ${model.height}. ${model.objective}`;
})();
