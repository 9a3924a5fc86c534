import { $, ask, explain } from "./server.js";

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
