/** Looks for secrets in text, in each form in which bytes are commonly written. */

/** A secret that was found: its name, and in which form. */
export interface Finding {
  readonly secret: string;
  readonly form: string;
}

/** Text that must not appear, by name; a key is given in base64. */
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

/** Base64 as it looks inside of that of a longer text: at each of the three alignments. */
function base64Forms(form: string, bytes: Buffer): (readonly [string, string])[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // The first characters hold what stands in front, the last ones what stands behind.
    const start = offset === 0 ? 0 : offset + 1;
    const end = encoded.replace(/=+$/, '').length - ((bytes.length + offset) % 3 === 0 ? 0 : 1);
    return [`${form} at ${offset}`, encoded.slice(start, end)] as const;
  });
}
