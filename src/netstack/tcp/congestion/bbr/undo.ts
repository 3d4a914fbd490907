/** What a repair changed, to be taken back if it was not needed: draft-ietf-ccwg-bbr 5.5.11. */
import type { PathModel } from './path-model.js';

export class Undo {
  readonly #model: PathModel;
  /** The present repair began from what is saved. */
  #isSaved = false;
  /** BBR.undo_state: the phase that losses ended. */
  #phase: 'none' | 'Startup' | 'ProbeBW_UP' = 'none';
  #shortTermBandwidth = 0;
  #shortTermInflight = 0;
  #longTermInflight = 0;

  constructor(model: PathModel) {
    this.#model = model;
  }

  /** SaveStateUponLoss(), once for a repair: its first loss comes before it begins. */
  save(): void {
    if (this.#isSaved) return;
    this.#isSaved = true;
    this.#phase = 'none';
    this.#shortTermBandwidth = this.#model.shortTermBandwidth;
    this.#shortTermInflight = this.#model.shortTermInflight;
    this.#longTermInflight = this.#model.longTermInflight;
  }

  /** Losses ended this phase. */
  left(phase: 'Startup' | 'ProbeBW_UP'): void {
    this.#phase = phase;
  }

  /** The repair was needed, and is over. */
  forget(): void {
    this.#isSaved = false;
    this.#phase = 'none';
  }

  /** HandleSpuriousLossDetection() for the bounds. @returns the phase to go back to */
  restore(): 'none' | 'Startup' | 'ProbeBW_UP' {
    const model = this.#model;
    const phase = this.#phase;
    if (this.#isSaved) {
      model.shortTermBandwidth = Math.max(model.shortTermBandwidth, this.#shortTermBandwidth);
      model.shortTermInflight = Math.max(model.shortTermInflight, this.#shortTermInflight);
      model.longTermInflight = Math.max(model.longTermInflight, this.#longTermInflight);
    }
    this.forget();
    return phase;
  }
}
