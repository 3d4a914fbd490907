/** Counts values in steps of a quarter. The last step includes all higher values. */
const STEP = 0.25;
const STEPS = 8192;

export class Histogram {
  #counts = new Uint32Array(STEPS);
  #count = 0;
  #sum = 0;

  add(value) {
    this.#counts[Math.min(STEPS - 1, Math.max(0, Math.floor(value / STEP)))]++;
    this.#count++;
    this.#sum += value;
  }

  get mean() {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Returns the quantile at the fraction `part`; 0 if no values were counted. */
  quantile(part) {
    let left = part * this.#count;
    if (left === 0) return 0;
    for (let step = 0; step < STEPS; step++) {
      left -= this.#counts[step];
      if (left <= 0) return (step + 1) * STEP;
    }
    return STEPS * STEP;
  }
}
