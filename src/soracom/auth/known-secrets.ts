import { REDACTED, type Secret } from '../../lib/secrets/secret.js';

/** Shorter texts occur by chance everywhere; hiding them would hide everything. */
const SHORTEST = 4;
/** Each sign-in adds a few; the oldest are tokens that nobody accepts any more. */
const MOST = 64;

/**
 * The secrets of a run, to find them where neither a name nor a shape gives them away: a password
 * that somebody's error message repeats.
 */
export class KnownSecrets {
  readonly #texts = new Set<string>();

  add(...secrets: readonly Secret<string>[]): void {
    for (const secret of secrets) {
      const text = secret.expose();
      if (text.length >= SHORTEST) this.#texts.add(text);
    }
    for (const oldest of this.#texts) {
      if (this.#texts.size <= MOST) break;
      this.#texts.delete(oldest);
    }
  }

  /** `text` without them: as they are, as in JSON, and as in a URL. */
  hideIn(text: string): string {
    // The longest first: one may be the beginning of another.
    const forms = [...this.#texts].flatMap(writtenForms).sort((a, b) => b.length - a.length);
    return forms.reduce((shown, form) => shown.replaceAll(form, REDACTED), text);
  }
}

function writtenForms(text: string): string[] {
  const forms = [text, JSON.stringify(text).slice(1, -1)];
  // A lone surrogate cannot stand in a URL.
  return /\p{Surrogate}/u.test(text) ? forms : [...forms, encodeURIComponent(text)];
}
