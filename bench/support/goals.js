/** Compares figures with goals: `{ atLeast: 0.6 }`, `{ atMost: 4 }`, or undefined for no goal. */

export class Goals {
  /** What has missed its goal. */
  missed = [];

  /**
   * Compares a figure with its goal, and records a miss.
   *
   * @returns the goal in words, to print after the figure
   */
  judge(what, figure, goal) {
    if (goal === undefined) return '';
    const { atLeast = -Infinity, atMost = Infinity } = goal;
    // If a rate is 0, nothing was measured, which misses each goal.
    const isMeasured = Number.isFinite(figure) && figure > 0;
    const isMet = isMeasured && figure >= atLeast && figure <= atMost;
    if (!isMet) this.missed.push(what);
    const words = goal.atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
    return `, goal: ${words}${isMet ? '' : ' (MISSED)'}`;
  }
}
