/** Counts the messages of many SIMs. A body is the ID of the SIM that sends it, a space, and a number. */
export class MessageCount {
  /** The numbers that have arrived, by SIM ID. */
  #arrived = new Map();
  #doubled = 0;
  #misplaced = 0;

  /** @param simId the SIM under which the message arrived */
  add({ simId, body }) {
    const [sender, number] = body.split(' ');
    if (sender !== simId) {
      this.#misplaced++;
      return;
    }
    const numbers = this.#arrived.get(simId) ?? new Set();
    if (numbers.has(number)) this.#doubled++;
    this.#arrived.set(simId, numbers.add(number));
  }

  /** Returns the counts since the last call. */
  take() {
    const counts = [...this.#arrived].map(([simId, numbers]) => [simId, numbers.size]);
    const taken = {
      /** Different messages, by SIM ID. */
      arrived: Object.fromEntries(counts),
      /** Messages that had arrived before. */
      doubled: this.#doubled,
      /** Messages that arrived under another SIM than their own. */
      misplaced: this.#misplaced,
    };
    this.#arrived = new Map();
    this.#doubled = 0;
    this.#misplaced = 0;
    return taken;
  }
}
