/** Searches text for secrets in every common encoding of bytes. */

/** The name of a found secret, and its encoding. */
export interface Finding {
  readonly secret: string;
  readonly form: string;
}

/** Texts that must not appear, by name; keys are given in base64. */
export type Secrets = Readonly<Record<string, string>>;

export function findSecrets(text: string, secrets: Secrets): Finding[] {
  const found: Finding[] = [];
  const lowerCase = text.toLowerCase();
  for (const [secret, value] of Object.entries(secrets)) {
    for (const [form, written] of formsOf(value)) {
      const isFound = form.startsWith('hex')
        ? lowerCase.includes(written.toLowerCase())
        : text.includes(written);
      if (isFound) found.push({ secret, form });
    }
  }
  return found;
}

function formsOf(value: string): (readonly [string, string])[] {
  const text = Buffer.from(value);
  const forms: (readonly [string, string])[] = [
    ['as it is', value],
    ['hex of the text', text.toString('hex')],
    ['as JSON', JSON.stringify(value).slice(1, -1)],
    ['percent-encoded', encodeURIComponent(value)],
    ...base64Forms('base64 of the text', text),
  ];
  if (!/^[A-Za-z0-9+/]{43}=$/.test(value)) return forms;
  const key = Buffer.from(value, 'base64');
  return [
    ...forms,
    ['hex of the key', key.toString('hex')],
    ['hex of the key with spaces', key.toString('hex').replace(/..(?=.)/g, '$& ')],
    ['a list of bytes', [...key].join(',')],
    ['without its padding', value.slice(0, -1)],
    ['as base64url', key.toString('base64url')],
  ];
}

/** The base64 forms of bytes inside a longer encoded text, at each of the three alignments. */
function base64Forms(form: string, bytes: Buffer): (readonly [string, string])[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // The first characters also encode the preceding bytes, and the last ones the following bytes.
    const start = offset === 0 ? 0 : offset + 1;
    const end = encoded.replace(/=+$/, '').length - ((bytes.length + offset) % 3 === 0 ? 0 : 1);
    return [`${form} at ${offset}`, encoded.slice(start, end)] as const;
  });
}
