/** Writes text for the manual pages, in roff with the macros of man(7). */

/** The characters that roff would print as typographic ones, and thus spoil for copying. */
const SPECIAL = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};
/** The length of a line in the file. */
const WIDTH = 78;

/** Escapes a string of one line. */
export function roff(text) {
  const escaped = [...text].map((sign) => SPECIAL[sign] ?? encoded(sign)).join('');
  return protectedLine(escaped);
}

function encoded(sign) {
  const code = sign.codePointAt(0);
  if (code < 0x7f) return sign;
  return `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`;
}

/** Makes a line text: roff takes a line that starts with a dot or an apostrophe as a request. */
function protectedLine(line) {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

export function bold(text) {
  return `\\fB${roff(text)}\\fR`;
}

export function italic(text) {
  return `\\fI${roff(text)}\\fR`;
}

/** Wraps a text. Each sentence begins on its own line, so that roff sets the space between them. */
export function paragraph(text) {
  return text
    .trim()
    .split(/(?<=[.:?!]) +(?=[A-Z"])/)
    .flatMap((sentence) => wrapped(roff(sentence)))
    .map(protectedLine)
    .join('\n');
}

/** The line from which apropos(1) takes the name and the summary of a page. */
export function nameLine(name, summary) {
  return wrapped(`${name} \\- ${roff(summary)}`).join('\n');
}

function wrapped(text) {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Formats command lines, which roff does not fill. */
export function examples(lines) {
  return ['.nf', ...lines.map(roff), '.fi'].join('\n');
}
