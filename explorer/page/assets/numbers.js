// The data of the page: unpacked from its bytes, and numbers by name.
"use strict";

const WIDTHS = { f4: 4, f2: 2, u2: 2, u4: 4 };

async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const data = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let start = 4 + length;
  for (const run of data.runs) {
    run.numbers = new Numbers(run, bytes.subarray(start));
    start += run.numbers.size;
  }
  return data;
}

// The arrays of one run. A kind of number lies in planes: all first bytes, all second bytes, ...
class Numbers {
  constructor(run, bytes) {
    this.run = run;
    this.size = 0;
    this.kinds = {};
    this.made = {};
    for (const [kind, width] of Object.entries(WIDTHS)) {
      const count = run.counts[kind];
      this.kinds[kind] = together(kind, bytes.subarray(this.size), count, width);
      this.size += count * width;
    }
  }

  has(name) {
    return name in this.run.arrays;
  }

  // { data, start, shape }, the last axis running fastest. What one operation makes of another array is not held.
  array(name) {
    const entry = this.run.arrays[name];
    if (!Array.isArray(entry)) return (this.made[name] ??= this.make(entry));
    const [kind, start, shape] = entry;
    return { data: this.kinds[kind], start, shape };
  }

  make({ x, by, same }) {
    if (same) return this.array(same);
    const { data, start, shape } = this.array(x);
    const width = shape[2];
    const ahead = (i) => i % width > Math.floor(i / width) % shape[1];
    const made = data.slice(start, start + shape[0] * shape[1] * width);
    return { data: made.map((value, i) => (by ? value / by : ahead(i) ? -Infinity : value)), start: 0, shape };
  }

  at(name, ...index) {
    const { data, start, shape } = this.array(name);
    return data[start + index.reduce((place, each, axis) => place * shape[axis] + each, 0)];
  }

  // The numbers of the last axis.
  row(name, ...index) {
    const { data, start, shape } = this.array(name);
    const width = shape[shape.length - 1];
    const first = start + index.reduce((place, each, axis) => place * shape[axis] + each, 0) * width;
    return data.subarray(first, first + width);
  }

  // The place of a token among those that are listed after a position; -1 where it is not.
  rank(position, token) {
    return this.row("listed", position).indexOf(token);
  }
}

function together(kind, planes, count, width) {
  const bytes = new Uint8Array(count * width);
  for (let plane = 0; plane < width; plane++)
    for (let i = 0; i < count; i++) bytes[i * width + plane] = planes[plane * count + i];
  if (kind === "f4") return new Float32Array(bytes.buffer);
  if (kind === "u4") return new Uint32Array(bytes.buffer);
  const words = new Uint16Array(bytes.buffer);
  return kind === "u2" ? words : Float32Array.from(words, fromHalf);
}

function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

// Numbers in writing

function written(text) {
  return text.replace(/-/g, "−").replace(/\+/g, "");
}

// To the seven digits that the page keeps.
function full(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value < 0 ? "−∞" : "∞";
  return written(String(Number(value.toPrecision(7))));
}

// As it stands in a formula: four digits.
function short(value) {
  if (!Number.isFinite(value)) return full(value);
  return written(String(Number(value.toPrecision(4))));
}

// With its sign, in a few characters.
function figure(value, digits = 3) {
  if (!Number.isFinite(value)) return full(value);
  const size = Math.abs(value);
  if (size >= 1e5 || (size && size < 0.5 * 10 ** -digits)) return (value < 0 ? "−" : "+") + written(size.toExponential(1));
  return (value < 0 ? "−" : size ? "+" : "") + size.toFixed(digits);
}

function percent(share) {
  return share > 0 && share < 0.0005 ? "<0.1%" : `${(100 * share).toFixed(1)}%`;
}
