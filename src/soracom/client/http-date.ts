const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;

/** RFC 9110 5.6.7: the form to send, and two old ones that a recipient MUST accept. */
const FORMS = [
  new RegExp(String.raw`^\w{3}, (?<day>\d\d) ${MONTH} (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^\w{6,9}, (?<day>\d\d)-${MONTH}-(?<year>\d\d) ${TIME} GMT$`),
  new RegExp(String.raw`^\w{3} ${MONTH} (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
];

/** The Unix milliseconds of an HTTP-date (RFC 9110 5.6.7); undefined for any other text. */
export function parseHttpDate(text: string): number | undefined {
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups;
    if (parts === undefined) continue;
    const [day, hour, minute, second] = [parts.day, parts.hour, parts.minute, parts.second].map(
      Number,
    ) as [number, number, number, number];
    const month = MONTHS.indexOf(parts.month ?? '');
    const time = Date.UTC(fullYear(parts.year ?? ''), month, day, hour, minute, second);
    // What rolls over into another day is no date; a leap second (60) is one.
    const isDate = hour < 24 && minute < 60 && second <= 60;
    return isDate && new Date(time - second * 1000).getUTCDate() === day ? time : undefined;
  }
  return undefined;
}

/**
 * RFC 9110 5.6.7: a year of two digits that seems to lie more than 50 years ahead MUST be read as
 * the newest past year with these digits.
 */
function fullYear(digits: string): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date().getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
