/** Compares figures with goals: `{ atLeast: 0.6 }`, `{ atMost: 4 }`, or undefined for no goal. */

export class Goals {
  /** What has missed its goal. */
  missed = [];

  /**
   * Compares a figure with its goal.
   *
   * @returns the goal in words, for the end of the figure's line
   */
  judge(what, figure, goal) {
    if (goal === undefined) return '';
    const { atLeast = -Infinity, atMost = Infinity } = goal;
    // NaN means that nothing was measured, which misses each goal.
    const isMet = figure >= atLeast && figure <= atMost;
    if (!isMet) this.missed.push(what);
    const words = goal.atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
    return `, goal: ${words}${isMet ? '' : ' (MISSED)'}`;
  }
}
