/** A windowed maximum filter over the last `length` units of a monotonic clock, such as rounds. */
export class WindowedMaximum {
  /** The maximum of each time unit. Unit number `time` uses slot `time % length`. */
  readonly #slots: number[];
  #time = 0;
  #maximum = 0;

  constructor(length: number) {
    this.#slots = Array.from({ length }, () => 0);
  }

  /** The maximum; 0 before the first value. Expired values are removed by the next update(). */
  get value(): number {
    return this.#maximum;
  }

  /** @param time must not decrease between calls */
  update(value: number, time: number): void {
    const slots = this.#slots;
    const { length } = slots;
    if (time !== this.#time) {
      const passed = Math.min(time - this.#time, length);
      for (let back = 0; back < passed; back++) slots[(time - back) % length] = 0;
      this.#time = time;
      this.#maximum = 0;
      for (let index = 0; index < length; index++) {
        if (slots[index]! > this.#maximum) this.#maximum = slots[index]!;
      }
    }
    const slot = time % length;
    if (value > slots[slot]!) slots[slot] = value;
    if (value > this.#maximum) this.#maximum = value;
  }

  clear(): void {
    // V8 takes long to fill an array, and in Startup this is called once per round trip.
    if (this.#maximum === 0) return;
    this.#slots.fill(0);
    this.#maximum = 0;
  }
}
