/** Formats durations and numbers of bytes for people, and parses bytes. */

/**
 * Formats an age: `12 s`, `3 min 5 s`, `2 h 3 min`. An age that is negative, because the clock was
 * set back, is shown as 0.
 */
export function ageText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

/** Formats bytes in decimal units, as bills do: `920 B`, `1.5 kB`, `12.3 MB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let value = bytes;
  let unit = '';
  for (const next of UNITS) {
    if (value < 999.95) break;
    value /= 1000;
    unit = next;
  }
  return `${value.toFixed(1)} ${unit}`;
}

/** Parses bytes in decimal units, such as `500kB` or `1.5 GB`; undefined if the text is invalid. */
export function parseBytes(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,6})?) ?([kKMGT]?B)$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const power = UNITS.findIndex((known) => known.toUpperCase() === unit.toUpperCase()) + 1;
  return Math.round(Number(number) * 1000 ** power);
}
