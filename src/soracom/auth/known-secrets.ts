import { REDACTED, type Secret } from '../../lib/secrets/secret.js';

/** The minimum length of a secret to hide, because shorter strings occur in ordinary words. */
const SHORTEST = 4;
/**
 * The maximum number of secrets. Each sign-in adds secrets. The oldest ones can be dropped, because
 * they are expired tokens.
 */
const MOST = 64;

/**
 * Collects this run's secrets, to hide them even if neither a member name nor their format reveals
 * them: for example, a password that a server repeats in its error message.
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

  /** Returns `text` without the secrets, whether written literally, in JSON, or in a URL. */
  hideIn(text: string): string {
    // Put the longest first, because one secret may be a prefix of another.
    const forms = [...this.#texts].flatMap(writtenForms).sort((a, b) => b.length - a.length);
    return forms.reduce((shown, form) => shown.replaceAll(form, REDACTED), text);
  }
}

function writtenForms(text: string): string[] {
  const forms = [text, JSON.stringify(text).slice(1, -1)];
  // A lone surrogate cannot be encoded in a URL.
  return /\p{Surrogate}/u.test(text) ? forms : [...forms, encodeURIComponent(text)];
}
