// Sends a picture to the endpoints beside this page and shows what they answer. The body of a request is the file itself.
const one = selector => document.querySelector(selector);
const [drop, file, problem, results, examples] = ["#drop", "#file", "#problem", "#results", "#examples"].map(one);
const [attention, components, neighbours] = ["#attention", "#components", "#neighbours"].map(one);
let model, pictureUrl, running = new AbortController();

async function start() {
  model = await (await fetch("/model")).json();
  one("#limit").textContent = `up to ${model.maxUploadBytes / 2 ** 20} MiB`;
  one("#model").textContent = [`${model.name}: ${model.width} numbers a picture`, model.heads ? `${model.heads} heads` : "no attention", `${model.gallery} pictures in the gallery`].join(" · ");
  attention.hidden = !model.heads;
  neighbours.hidden = !model.gallery;
  examples.hidden = !model.gallery;
  examples.querySelector(".strip").replaceChildren(...model.examples.map(picture => galleryButton(picture)));
}

function galleryButton(picture, ...more) {
  const button = document.createElement("button");
  button.title = picture.name;
  button.append(image(`/gallery/${picture.id}`, picture.name), ...more);
  button.addEventListener("click", async () => show(await (await fetch(`/gallery/${picture.id}`)).blob()));
  return button;
}

function image(source, description) {
  return Object.assign(new Image(), { src: source, alt: description, loading: "lazy" });
}

// A new picture ends the questions about the one before, on the server as well.
function show(picture) {
  running.abort();
  running = new AbortController();
  URL.revokeObjectURL(pictureUrl);
  pictureUrl = URL.createObjectURL(picture);
  for (const stage of document.querySelectorAll(".stage")) {
    stage.querySelector(".picture").src = pictureUrl;
    stage.querySelector(".overlay").removeAttribute("src");
  }
  problem.hidden = true;
  results.hidden = false;
  drop.classList.add("small");
  for (const [card, path, draw] of [[attention, "/attention", drawAttention], [components, "/pca", drawComponents], [neighbours, "/search", drawNeighbours]])
    if (!card.hidden) ask(card, path, picture, draw, running.signal);
}

async function ask(card, path, picture, draw, signal) {
  card.classList.add("busy");
  try {
    const response = await fetch(path, { method: "POST", body: picture, signal });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail ?? answer.title);
    if (!signal.aborted) draw(answer);
  } catch (error) {
    if (signal.aborted) return;
    problem.textContent = error.message;
    problem.hidden = false;
    results.hidden = true;
  }
  card.classList.remove("busy");
}

function lay(card, source, area) {
  const overlay = card.querySelector(".overlay");
  overlay.style.width = `${100 * area.width}%`;
  overlay.style.height = `${100 * area.height}%`;
  overlay.src = source;
}

function drawAttention(answer) {
  const maps = [["mean", answer.mean], ...answer.heads.map((head, index) => [`head ${index}`, head])];
  const buttons = maps.map(([name, source]) => {
    const button = document.createElement("button");
    button.append(image(source, ""), Object.assign(document.createElement("span"), { textContent: name }));
    button.addEventListener("click", () => choose(button, source));
    return button;
  });
  const choose = (button, source) => {
    buttons.forEach(other => other.setAttribute("aria-pressed", other === button));
    lay(attention, source, answer.area);
  };
  attention.querySelector(".heads").replaceChildren(...buttons);
  choose(buttons[0], answer.mean);
}

function drawComponents(answer) {
  lay(components, answer.colours, answer.area);
  const shares = answer.shares.map(share => `${Math.round(100 * share)} %`).join(", ");
  components.querySelector("p").textContent = `${answer.area.columns} × ${answer.area.rows} patches; what looks alike to the network has the same colour. Red, green and blue are the first principal components, with ${shares} of the variance.`;
}

function drawNeighbours(answer) {
  neighbours.querySelector(".grid").replaceChildren(...answer.matches.map(match => {
    const cosine = match.cosine.toFixed(3);
    const name = Object.assign(document.createElement("span"), { textContent: match.name });
    const meter = Object.assign(document.createElement("meter"), { min: 0, max: 1, value: match.cosine, title: `cosine ${cosine}` });
    return galleryButton(match, name, meter, Object.assign(document.createElement("span"), { className: "quiet", textContent: `cosine ${cosine}` }));
  }));
}

file.addEventListener("change", () => file.files[0] && show(file.files[0]));
addEventListener("dragover", event => { event.preventDefault(); drop.classList.add("over"); });
addEventListener("dragleave", () => drop.classList.remove("over"));
addEventListener("drop", event => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files[0]) show(event.dataTransfer.files[0]);
});
const strength = one("#strength"), setStrength = () => { attention.querySelector(".overlay").style.opacity = strength.value; };
strength.addEventListener("input", setStrength);
setStrength();
one("#smooth").addEventListener("change", event => attention.classList.toggle("smooth", event.target.checked));
await start();
