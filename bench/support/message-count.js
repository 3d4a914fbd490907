/** Counts the messages of many SIMs. A body is the ID of the SIM that sends it, a space, and a number. */
export class MessageCount {
  /** The numbers that have ever arrived, by SIM ID. A copy may arrive long after its message. */
  #known = new Map();
  /** How many different messages have arrived since the last call of take(), by SIM ID. */
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
    const known = this.#known.get(simId) ?? new Set();
    this.#known.set(simId, known);
    if (known.has(number)) {
      this.#doubled++;
      return;
    }
    known.add(number);
    this.#arrived.set(simId, (this.#arrived.get(simId) ?? 0) + 1);
  }

  /** Returns the counts since the last call. */
  take() {
    const taken = {
      /** Different messages, by SIM ID. */
      arrived: Object.fromEntries(this.#arrived),
      /** Messages that had arrived before, also before the last call. */
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
