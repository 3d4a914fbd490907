/** The form that senders MUST use; SORACOM sends no obsolete form. */
const IMF_FIXDATE = /^\w{3}, (\d\d) \w{3} \d{4} \d\d:\d\d:\d\d GMT$/;

/** Parses an HTTP-date (RFC 9110 5.6.7) to Unix milliseconds; undefined for any other string. */
export function parseHttpDate(text: string): number | undefined {
  const [, day] = IMF_FIXDATE.exec(text) ?? [];
  const time = Date.parse(text);
  // Date.parse() turns 31 Feb into 3 Mar.
  return new Date(time).getUTCDate() === Number(day) ? time : undefined;
}
