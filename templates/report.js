"use strict";
// Runs the circuit of the page: samples to beats, cycles to scores, spikes and membranes.

const SPREAD = 2654435761;  // as bsnn_hw/reporting/stored.py has it
const WATCHED = 1000;  // ms that one watched inference takes, about

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("circuit-data").textContent);

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// ---- samples to beats -------------------------------------------------------------------------

// Beats of one timestep, each an array of bytes; what `beats` of bsnn_hw/engines/ gives.
function stepBeats(values) {
  const port = data.input;
  if (port.kind === "bytes") return port.order.map((index) => [values[index]]);
  const spots = new Map();  // a word's row, or a convolution's place -> per lane its events
  values.forEach((value, index) => {
    if (!value) return;
    const row = port.row[index];
    const spot = port.kind === "words" ? row
      : port.rowsOfPlace ? Math.floor(row / port.rowsOfPlace) : 0;
    if (!spots.has(spot)) spots.set(spot, []);
    spots.get(spot).push({lane: port.lane[index], row, value});
  });
  const beats = [];
  for (const spot of [...spots.keys()].sort((one, two) => one - two)) {
    beats.push(...(port.kind === "words" ? [wordBeat(spot, spots.get(spot))]
      : slotBeats(spot, spots.get(spot))));
  }
  return beats.length ? beats : [new Array(port.beat).fill(0)];  // a lone mark takes a beat
}

function wordBeat(row, events) {
  const beat = new Array(data.input.beat).fill(0), valueBits = data.input.valueBits;
  const raise = (bit) => { beat[bit >> 3] |= 1 << (bit & 7); };
  for (const event of events) raise(event.lane);
  for (let bit = 0; valueBits + bit < 8 * beat.length && row >> bit; bit++) {
    if (row >> bit & 1) raise(valueBits + bit);
  }
  return beat;
}

function slotBeats(place, events) {
  const port = data.input, beats = [], taken = [];
  const write = (beat, lane, slot) => {
    for (let byte = 0; byte < port.slot; byte++) {
      beat[lane * port.slot + byte] = Math.floor(slot / 2 ** (8 * byte)) % 256;
    }
  };
  for (const event of events) {
    const rank = taken[event.lane] ?? 0;
    taken[event.lane] = rank + 1;
    if (!beats[rank]) {
      beats[rank] = new Array(port.beat).fill(0);
      write(beats[rank], 0, place * port.rowsOfPlace * 2 ** port.valueBits);
    }
    write(beats[rank], event.lane, event.row * 2 ** port.valueBits + event.value);
  }
  return beats;
}

// Beats of a sample with their flags: bit 0 last of the packet, bit 1 last of a timestep.
function packet(sample) {
  const size = sample.length / data.input.marks, beats = [];
  for (let mark = 0; mark < data.input.marks; mark++) {
    const whole = Array.from(sample.subarray(mark * size, (mark + 1) * size));
    const step = stepBeats(data.input.used?.map((index) => whole[index]) ?? whole);
    step.forEach((beat, index) => {
      const ends = index === step.length - 1;
      beats.push([...beat, (ends ? 2 : 0) + (ends && mark === data.input.marks - 1 ? 1 : 0)]);
    });
  }
  return beats;
}

// ---- the circuit ------------------------------------------------------------------------------

// A field of a row of 32-bit words, signed.
function signedField(words, start, low, width) {
  let value = 0;
  for (let done = 0; done < width;) {
    const bit = low + done, part = Math.min(32 - (bit & 31), width - done);
    const piece = words[start + (bit >> 5)] >>> (bit & 31);
    value += (part === 32 ? piece : piece & (2 ** part - 1)) * 2 ** done;
    done += part;
  }
  return value >= 2 ** (width - 1) ? value - 2 ** width : value;
}

const words = (bits) => Math.ceil(bits / 32);

class Layer {
  constructor(facts) {
    Object.assign(this, facts);
    const [channels, height, width] = facts.map;
    this.positions = height * width;
    this.size = channels * this.positions;
    this.length = words(facts.bits * facts.parallel) + words(facts.parallel);
    this.clear();
  }

  clear() {
    this.charged = new Float64Array(data.timesteps * this.size);
    this.fired = new Uint8Array(data.timesteps * this.size);
    this.seen = 0;  // rows
    this.shown = -1;  // nothing of it, of this inference
  }

  // Take a row of the log at ``start``.
  take(log, start) {
    const timestep = Math.floor(this.seen / this.rows), row = this.seen % this.rows;
    const place = Math.floor(row / this.folds), first = row % this.folds * this.parallel;
    const flags = start + words(this.bits * this.parallel);
    this.seen++;
    for (let each = 0; each < this.parallel && first + each < this.map[0]; each++) {
      const at = timestep * this.size + (first + each) * this.positions + place;
      this.charged[at] = signedField(log, start, each * this.bits, this.bits);
      this.fired[at] = log[flags + (each >> 5)] >>> (each & 31) & 1;
    }
  }

  get timestepsDone() { return Math.floor(this.seen / this.rows); }
}

function checksum(values) {
  let sum = 0;
  values.forEach((value, index) => {
    sum = (sum + Math.imul(value, Math.imul(2 * index + 1, SPREAD))) >>> 0;
  });
  return sum;
}

class Circuit {
  static async open() {
    const nothing = () => 0;
    const {instance} = await WebAssembly.instantiate(await unpacked(data.wasm), {
      wasi_snapshot_preview1: {fd_close: nothing, fd_seek: nothing, fd_write: nothing,
                               proc_exit: nothing},
    });
    instance.exports._initialize();
    return new Circuit(instance.exports);
  }

  constructor(exports) {
    this.exports = exports;
    this.layers = data.layers.map((facts) => new Layer(facts));
    this.output = data.output.kind === "bytes" ? 8 : data.output.bits;
    this.outputLength = words(this.output) + 1 + (data.output.kind === "bytes" ? 0 : 1);
  }

  start(sample) {
    const beats = packet(sample), {exports} = this;
    exports.reset();
    const place = exports.packet(beats.length);  // first: memory that grows has another buffer
    new Uint8Array(exports.memory.buffer, place, beats.length * (data.input.beat + 1))
      .set(beats.flat());
    this.beats = beats.length;
    this.cycles = 0;
    this.scores = [];
    this.bytes = [];
    this.ended = false;
    this.layers.forEach((layer) => layer.clear());
  }

  // At most so many cycles; stops at the packet's end.
  run(cycles) {
    if (this.ended) return;
    const {exports} = this;
    this.cycles = exports.run(cycles);
    const log = new Uint32Array(exports.memory.buffer, exports.log_start(), exports.log_length());
    for (let at = 0; at < log.length;) {
      const layer = this.layers[log[at]];
      if (layer) {
        layer.take(log, at + 2);
        at += 2 + layer.length;
      } else {
        this.takeOutput(log, at + 2);
        at += 2 + this.outputLength;
      }
    }
  }

  takeOutput(log, start) {
    const value = signedField(log, start, 0, this.output), after = start + words(this.output);
    this.ended = log[after] === 1;
    if (data.output.kind === "scores") {
      this.scores.push(value);
      this.answer = log[after + 1];
      return;
    }
    const {score, answer} = data.output, bytes = this.bytes;
    bytes.push(value & 255);
    const whole = Math.floor(bytes.length / score);
    if (bytes.length % score === 0 && whole <= data.classes.length) {
      this.scores.push(signedBytes(bytes.slice(-score)));
    }
    if (this.ended) this.answer = bytes.slice(-answer).reduceRight((sum, byte) => sum * 256 + byte);
  }
}

function signedBytes(bytes) {
  const value = bytes.reduceRight((sum, byte) => sum * 256 + byte);
  return value >= 2 ** (8 * bytes.length - 1) ? value - 2 ** (8 * bytes.length) : value;
}

// What differs from the reference's stored answer to sample ``number``, null if nothing does.
function difference(circuit, number) {
  const wanted = data.scores[number];
  const wrong = wanted.findIndex((score, index) => score !== circuit.scores[index]);
  if (wrong >= 0) {
    return `score of class ${wrong}: circuit ${circuit.scores[wrong]}, reference ${wanted[wrong]}`;
  }
  if (circuit.answer !== data.answers[number]) {
    return `class: circuit ${circuit.answer}, reference ${data.answers[number]}`;
  }
  for (const layer of circuit.layers) {
    if (checksum(layer.fired) !== layer.firedSums[number]) return `spikes of layer ${layer.name}`;
    if (checksum(layer.charged) !== layer.chargedSums[number]) return `membranes of ${layer.name}`;
  }
  return null;
}

// ---- the page ---------------------------------------------------------------------------------

class Page {
  constructor(circuit, samples) {
    this.circuit = circuit;
    this.size = samples.length / data.count;
    this.usual = data.cycles;
    this.samples = samples;
    const [channels, height, width] = data.input.map, side = Math.sqrt(data.input.map[0]);
    this.side = height * width > 1 ? [height, width]
      : Number.isInteger(side) ? [side, side] : [1, channels];
    this.drawable = data.input.marks === 1 && channels * height * width === this.side[0] * this.side[1];
    this.buildScores();
    this.buildLayers();
    this.buildStrip();
    this.listen();
    byId("draw-note").hidden = !this.drawable;
    byId("clear").disabled = !this.drawable;
    this.pick(0);
  }

  sample(number) { return this.samples.subarray(number * this.size, (number + 1) * this.size); }

  buildScores() {
    const body = byId("scores").tBodies[0];
    data.classes.forEach((name) => {
      const row = body.insertRow(), head = document.createElement("th");
      head.scope = "row";
      head.append(Object.assign(document.createElement("bdi"), {textContent: name}));
      const cell = row.insertCell();
      row.prepend(head);
      cell.className = "barred";
      cell.append(Object.assign(document.createElement("span"), {className: "bar"}), "–");
    });
  }

  buildLayers() {
    for (const layer of this.circuit.layers) {
      const title = document.createElement("h4"), times = document.createElement("div");
      title.append(Object.assign(document.createElement("bdi"), {textContent: layer.name}));
      times.className = "times";
      layer.grid = gridOf(layer);
      layer.pictures = Array.from({length: data.timesteps}, (_, timestep) => {
        const picture = Object.assign(document.createElement("canvas"),
                                      {width: layer.grid.width, height: layer.grid.height});
        picture.style.width = `${Math.min(300, Math.max(96, 6 * layer.grid.width))}px`;
        picture.setAttribute("role", "img");
        picture.setAttribute("aria-label", `${layer.name}, timestep ${timestep}`);
        for (const kind of ["pointermove", "pointerdown"]) {  // a finger that taps does not move
          picture.addEventListener(kind, (event) => this.point(layer, timestep, event));
        }
        times.append(picture);
        return picture;
      });
      byId("layers").append(title, times);
    }
  }

  buildStrip() {
    for (let number = 0; number < data.count; number++) {
      const button = Object.assign(document.createElement("button"), {type: "button"});
      const picture = document.createElement("canvas"), label = data.labels?.[number];
      button.setAttribute("aria-label", `Sample ${number}`
                          + (label === undefined ? "" : `, ${data.classes[label]}`));
      button.setAttribute("aria-pressed", "false");
      this.paint(picture, this.sample(number));
      button.append(picture);
      button.addEventListener("click", () => this.pick(number));
      byId("samples").append(button);
    }
  }

  // The sample's image: the sum over timesteps and up to three channels as colours.
  paint(picture, sample) {
    const [height, width] = this.side, places = height * width, {marks, top} = data.input;
    const channels = Math.max(1, Math.round(this.size / marks / places));
    picture.width = width;
    picture.height = height;
    const pen = picture.getContext("2d"), image = pen.createImageData(width, height);
    for (let place = 0; place < places; place++) {
      for (let colour = 0; colour < 3; colour++) {
        let sum = 0;
        for (let mark = 0; mark < marks; mark++) {
          sum += sample[mark * this.size / marks + (channels >= 3 ? colour : 0) * places + place];
        }
        image.data[4 * place + colour] = 255 * sum / (top * marks);
      }
      image.data[4 * place + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
  }

  listen() {
    const paper = byId("paper");
    const stroke = (event) => {
      if (!this.drawable || !(event.buttons & 1)) return;
      const box = paper.getBoundingClientRect();
      this.draw((event.clientX - box.left) / box.width * this.side[1],
                (event.clientY - box.top) / box.height * this.side[0]);
      event.preventDefault();
    };
    const lift = () => { this.pen = null; };
    const end = () => {  // also outside of the paper
      lift();
      if (this.drawn) this.watch();
    };
    paper.addEventListener("pointerdown", lift);
    paper.addEventListener("pointerdown", stroke);
    paper.addEventListener("pointermove", stroke);
    paper.addEventListener("pointerleave", lift);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
    byId("clear").addEventListener("click", () => this.clear());
    byId("go").addEventListener("click", () => this.watch());
    byId("step-cycle").addEventListener("click", () => this.step(() => true));
    byId("step-time").addEventListener("click", () => {
      const [first] = this.circuit.layers, before = first?.timestepsDone;
      this.step(() => first && first.timestepsDone > before);
    });
    byId("compare").addEventListener("click", () => this.compareAll());
  }

  pick(number) {
    this.use(this.sample(number).slice(), number);
    [...byId("samples").children].forEach((button, index) => {
      button.setAttribute("aria-pressed", String(index === number));
    });
    this.watch();
  }

  clear() {
    this.use(new Uint8Array(this.size), null);
    this.show();
  }

  use(sample, number) {
    this.current = sample;
    this.number = number;
    this.running = null;
    this.circuit.start(sample);
    this.paint(byId("paper"), sample);
  }

  // A stroke to (x, y), in pixels of the sample, from where the pen was: a hand is quicker than
  // its events.
  draw(x, y) {
    const from = this.pen ?? {x, y};
    const parts = Math.max(1, Math.ceil(2 * Math.hypot(x - from.x, y - from.y)));
    for (let part = 1; part <= parts; part++) {
      this.dot(from.x + (x - from.x) * part / parts, from.y + (y - from.y) * part / parts);
    }
    this.use(this.current, null);
    this.pen = {x, y};
    this.drawn = true;
    [...byId("samples").children].forEach((button) => button.setAttribute("aria-pressed", "false"));
  }

  // A soft round brush.
  dot(x, y) {
    const [height, width] = this.side, {top} = data.input;
    const radius = Math.max(0.8, width / 18);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const far = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const value = Math.round(top * Math.max(0, Math.min(1, 1.5 - far / radius)));
        const at = row * width + column;
        this.current[at] = Math.max(this.current[at], value);
      }
    }
  }

  // One inference from its start, slow enough to be watched.
  watch() {
    const run = this.running = {};
    this.drawn = false;
    this.circuit.start(this.current);
    const started = performance.now();
    const frame = () => {
      if (this.running !== run) return;
      const due = this.usual * (performance.now() - started) / WATCHED;
      this.circuit.run(Math.max(1, Math.ceil(due - this.circuit.cycles)));
      this.show();
      if (!this.circuit.ended && this.circuit.cycles < data.watchdog) requestAnimationFrame(frame);
      else this.usual = this.circuit.cycles;
    };
    frame();
  }

  step(enough) {
    this.running = null;
    if (this.circuit.ended) this.circuit.start(this.current);
    do this.circuit.run(1); while (!enough() && !this.circuit.ended
                                   && this.circuit.cycles < data.watchdog);
    this.show();
  }

  // One inference at once; what the circuit answers.
  classify(sample) {
    this.running = null;
    this.circuit.start(sample);
    this.circuit.run(data.watchdog);
    return {scores: this.circuit.scores, answer: this.circuit.answer, cycles: this.circuit.cycles};
  }

  async compareAll() {
    const started = performance.now(), button = byId("compare");
    let equal = 0, first = null;
    button.disabled = true;
    for (let number = 0; number < data.count; number++) {
      this.classify(this.sample(number));
      const wrong = difference(this.circuit, number);
      if (wrong === null) equal++;
      else first ??= `sample ${number}, ${wrong}`;
      if (number % 4 === 3) {
        byId("comparison").textContent = `${number + 1} of ${data.count} …`;
        await new Promise((resume) => setTimeout(resume));
      }
    }
    const rate = data.count / (performance.now() - started) * 1000;
    byId("comparison").textContent = `${equal} of ${data.count}: every score, spike and membrane `
      + `equal${first ? `; first difference: ${first}` : ""} (${rate.toFixed(1)} inferences/s)`;
    byId("comparison").className = first ? "different" : "equal";
    button.disabled = false;
    this.use(this.current, this.number);
    this.watch();
    return {equal, count: data.count, first, rate};
  }

  show() {
    const {circuit} = this;
    const taken = circuit.exports.beats_taken();
    byId("status").textContent = `Cycle ${circuit.cycles.toLocaleString("en")}: ${taken} of `
      + `${circuit.beats} beats taken, ${circuit.scores.length} of ${data.classes.length} scores`
      + (circuit.ended ? `; answer: ${data.classes[circuit.answer]}` : "");
    this.showScores();
    this.showJudgement();
    circuit.layers.forEach(showChanges);
  }

  showScores() {
    const {scores, ended, answer} = this.circuit, rows = byId("scores").tBodies[0].rows;
    const low = Math.min(0, ...scores), range = Math.max(1, Math.max(0, ...scores) - low);
    data.classes.forEach((_, index) => {
      const [bar, text] = rows[index].cells[1].childNodes, score = scores[index];
      bar.style.width = score === undefined ? "0" : `${100 * (score - low) / range}%`;
      text.textContent = score === undefined ? "–" : `${score}`;
      rows[index].className = ended && index === answer ? "winner" : "";
    });
  }

  showJudgement() {
    const place = byId("judgement");
    place.className = "";
    if (!this.circuit.ended) place.textContent = "";
    else if (this.number === null) {
      place.textContent = "A drawing: the reference has no stored answer to it.";
    } else {
      const wrong = difference(this.circuit, this.number), label = data.labels?.[this.number];
      place.className = wrong ? "different" : "equal";
      place.textContent = (wrong ? `Differs from the reference: ${wrong}.`
        : "Equal to the reference: every score, spike and membrane.")
        + (label === undefined ? "" : ` The sample's label is ${data.classes[label]}.`);
    }
  }

  point(layer, timestep, event) {
    const box = event.target.getBoundingClientRect(), {grid} = layer;
    const x = Math.floor((event.clientX - box.left) / box.width * grid.width);
    const y = Math.floor((event.clientY - box.top) / box.height * grid.height);
    const neuron = grid.neuron(x, y);
    if (neuron === null) return;
    const at = timestep * layer.size + neuron;
    const threshold = layer.threshold[timestep][Math.floor(neuron / layer.positions)];
    byId("membrane").textContent = layer.seen <= timestep * layer.rows ? " "
      : `${layer.name}, timestep ${timestep}, neuron ${neuron}: membrane ${layer.charged[at]}, `
        + `threshold ${threshold}${layer.fired[at] ? ", fired" : ""}`;
  }
}

// Where a layer's neurons are in its picture: maps side by side, or neurons in lines.
function gridOf(layer) {
  const [channels, height, width] = layer.map;
  const tile = layer.positions > 1 ? [height + 1, width + 1] : [1, 1];
  const across = Math.ceil(Math.sqrt(channels * (layer.positions > 1 ? 1 : 2)));
  const down = Math.ceil(channels / across);
  return {
    width: across * tile[1], height: down * tile[0],
    neuron(x, y) {
      const channel = Math.floor(y / tile[0]) * across + Math.floor(x / tile[1]);
      const line = y % tile[0], column = x % tile[1];
      if (channel >= channels || line >= height || column >= width) return null;
      return channel * layer.positions + line * width + column;
    },
  };
}

// Redraw the timesteps that have changed since the last time.
function showChanges(layer) {
  const before = layer.shown;
  if (layer.seen === before) return;
  const first = before < 0 ? 0 : Math.floor(before / layer.rows);
  const last = before < 0 ? data.timesteps : Math.ceil(layer.seen / layer.rows);
  for (let timestep = first; timestep < last; timestep++) showSpikes(layer, timestep);
  layer.shown = layer.seen;
}

function showSpikes(layer, timestep) {
  const picture = layer.pictures[timestep], pen = picture.getContext("2d"), {grid} = layer;
  const image = pen.createImageData(grid.width, grid.height);
  const known = layer.seen > timestep * layer.rows;
  for (let y = 0, pixel = 0; y < grid.height; y++) {
    for (let x = 0; x < grid.width; x++, pixel += 4) {
      const neuron = grid.neuron(x, y);
      if (neuron === null) continue;
      const at = timestep * layer.size + neuron;
      const threshold = layer.threshold[timestep][Math.floor(neuron / layer.positions)];
      const near = Math.max(0, Math.min(1, layer.charged[at] / Math.max(1, threshold)));
      const colour = !known ? [225, 228, 232] : layer.fired[at] ? [10, 60, 150]
        : [240 - 90 * near, 244 - 64 * near, 250 - 20 * near];
      image.data.set([...colour, 255], pixel);
    }
  }
  pen.putImageData(image, 0, 0);
}

(async () => {
  try {
    const [circuit, samples] = await Promise.all([Circuit.open(), unpacked(data.samples)]);
    window.page = new Page(circuit, samples);
    document.documentElement.dataset.circuit = "ready";
  } catch (error) {
    byId("status").textContent = `The circuit cannot run in this browser: ${error}`;
    document.documentElement.dataset.circuit = "failed";
  }
})();
