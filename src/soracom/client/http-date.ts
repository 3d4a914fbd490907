const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;

/**
 * The preferred date format, and two obsolete ones that recipients MUST accept (RFC 9110 5.6.7).
 */
const FORMS = [
  new RegExp(String.raw`^\w{3}, (?<day>\d\d) ${MONTH} (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^\w{6,9}, (?<day>\d\d)-${MONTH}-(?<year>\d\d) ${TIME} GMT$`),
  new RegExp(String.raw`^\w{3} ${MONTH} (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
];

/** Parses an HTTP-date (RFC 9110 5.6.7) to Unix milliseconds; undefined for any other string. */
export function parseHttpDate(text: string): number | undefined {
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups;
    if (parts === undefined) continue;
    const [day, hour, minute, second] = [parts.day, parts.hour, parts.minute, parts.second].map(
      Number,
    ) as [number, number, number, number];
    const month = MONTHS.indexOf(parts.month ?? '');
    const time = Date.UTC(fullYear(parts.year ?? ''), month, day, hour, minute, second);
    // Reject dates that roll over into another day, but accept a leap second (60).
    const isDate = hour < 24 && minute < 60 && second <= 60;
    return isDate && new Date(time - second * 1000).getUTCDate() === day ? time : undefined;
  }
  return undefined;
}

/**
 * Expands a two-digit year. A year that appears to be more than 50 years in the future MUST be
 * interpreted as the most recent past year with the same last two digits (RFC 9110 5.6.7).
 */
function fullYear(digits: string): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date().getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
