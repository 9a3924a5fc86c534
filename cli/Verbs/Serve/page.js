import { $, ask as askServer, explain } from "./server.js";

const RANGE = 3, STEPS = 11, SAMPLES = 24;
const ends = [null, null]; // the latents of the user's two images
let latents = [];
let hasCodes = false; // nothing lies between two codes

// What a conditional model is given goes with every request.
function given(path) {
  return $("class-field").hidden ? path : `${path}${path.includes("?") ? "&" : "?"}label=${encodeURIComponent($("class").value)}`;
}

const ask = (path, options) => askServer(given(path), options);
const post = (path, body) => ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

// While an image is on its way, only the last of the next ones matters.
let isBusy = false, isStale = false;
const decode = explain(async () => {
  if (isBusy) {
    isStale = true;
    return;
  }
  isBusy = true;
  try {
    do {
      isStale = false;
      $("decoded").src = (await post("api/decode", { latents })).picture;
    } while (isStale);
  } finally {
    isBusy = false;
  }
});

function show(values) {
  latents = [...values];
  $("sliders").querySelectorAll("input").forEach((input, i) => {
    input.value = latents[i];
    input.nextElementSibling.value = latents[i].toFixed(2);
  });
  return decode();
}

function addSliders(count) {
  for (let i = 0; i < count; i++) {
    const label = document.createElement("label"), name = document.createElement("span"), input = document.createElement("input"), value = document.createElement("output");
    name.textContent = `z${i}`;
    Object.assign(input, { type: "range", min: -RANGE, max: RANGE, step: "any", value: 0 });
    input.addEventListener("input", () => {
      latents[i] = Number(input.value);
      value.value = latents[i].toFixed(2);
      decode();
    });
    label.append(name, input, value);
    $("sliders").append(label);
  }
}

function fill(element, pictures, rows) {
  element.replaceChildren(...pictures.map((picture, i) => {
    const image = new Image();
    image.src = picture;
    image.alt = `Image ${i + 1} of ${pictures.length}`;
    image.addEventListener("click", () => show(rows[i]));
    return image;
  }));
}

const sample = explain(async () => {
  const answer = await ask(`api/samples?seed=${Math.min(Math.max(0, Math.trunc($("seed").value)), Number.MAX_SAFE_INTEGER)}&count=${SAMPLES}`);
  fill($("samples"), answer.pictures, answer.latents);
});

const draw = explain(async () => {
  const seed = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
  await show((await ask(`api/samples?seed=${seed}&count=1`)).latents[0]);
});

const take = explain(async (field, file) => {
  const end = Number(field.dataset.end);
  const answer = await ask(`api/reconstruct?file=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
  ends[end] = answer.latents;
  fill(field.querySelector(".pair"), [answer.original, answer.reconstruction], [answer.latents, answer.latents]);
  await show(answer.latents);
  if (ends[0] && ends[1] && !hasCodes) {
    const between = await post("api/interpolate", { from: ends[0], to: ends[1], steps: STEPS });
    fill($("between"), between.pictures, between.latents);
  }
});

for (const field of document.querySelectorAll(".end")) {
  const input = field.querySelector("input");
  input.addEventListener("change", () => input.files[0] && take(field, input.files[0]));
  field.querySelector(".pair").addEventListener("click", event => event.preventDefault()); // the label would open the file dialog
  field.addEventListener("dragover", event => {
    event.preventDefault();
    field.classList.add("over");
  });
  field.addEventListener("dragleave", () => field.classList.remove("over"));
  field.addEventListener("drop", event => {
    event.preventDefault();
    field.classList.remove("over");
    if (event.dataTransfer.files[0]) {
      take(field, event.dataTransfer.files[0]);
    }
  });
}

$("draw").addEventListener("click", draw);
$("reset").addEventListener("click", () => show(latents.map(() => 0)));
$("seed").addEventListener("change", sample);
$("class").addEventListener("change", () => {
  decode();
  sample();
});
$("more").addEventListener("click", () => {
  $("seed").value = Number($("seed").value) + 1;
  sample();
});

await explain(async () => {
  const model = await ask("api/model");
  document.title = $("name").textContent = model.name;
  hasCodes = model.hasCodes;
  $("class").replaceChildren(...model.classes.map(name => new Option(name)));
  $("class-field").hidden = model.classes.length === 0;
  $("reset").hidden = $("sliders").hidden = hasCodes;
  $("about").textContent = `${model.latents} ${hasCodes ? "codes" : "latents"}, images of ${model.width} x ${model.height}${model.channels === 1 ? ", grey" : ""}. ${model.objective}`;
  if (!hasCodes) {
    addSliders(model.latents);
  }
  await show(new Array(model.latents).fill(0));
  await sample();
})();
