/** Waits for what others change: after each change every waiter looks at its condition again. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /**
   * Resolves with true as soon as `condition` holds, with false when `limit` ms have passed before.
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
