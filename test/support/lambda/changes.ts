/** Waits for conditions: after each change all waiters recheck theirs. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /**
   * Resolves with true once `condition` holds, or with false after `limit` ms.
   *
   * @throws what `condition` throws
   */
  until(condition: () => boolean, limit: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle();
      };
      const look = (): void => {
        try {
          if (condition()) end(() => resolve(true));
        } catch (error) {
          end(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
      };
      const timer = setTimeout(() => end(() => resolve(false)), Math.max(0, limit));
      this.#waiting.add(look);
      look();
    });
  }
}
