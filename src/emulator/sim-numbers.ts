/** Generates SIM numbers from an emulator's run number and a serial number. */
import type { IpAddress } from '../wire/ip-address.js';

/** The maximum serial number, which has four digits. */
export const MAX_SERIAL = 9999;

/** Returns an ICCID: 19 digits, of which the last is a Luhn check digit (ITU-T E.118). */
export function iccid(run: string, serial: number): string {
  const digits = `894230${run}${fourDigits(serial)}`;
  return digits + String(luhnDigit(digits));
}

/** Returns the IMSI of a virtual subscription: 15 digits, beginning with 99999. */
export function virtualImsi(run: string, serial: number): string {
  return `99999${run.slice(0, 6)}${fourDigits(serial)}`;
}

/** Returns the IMSI of a physical SIM: 15 digits, with the prefix of a Japanese network. */
export function physicalImsi(run: string, serial: number): string {
  return `44010${run.slice(0, 6)}${fourDigits(serial)}`;
}

/** Returns the address for a serial number; serial number 1 gets 10.0.0.2. */
export function clientAddress(serial: number): IpAddress {
  const host = serial + 1;
  return Uint8Array.of(10, host >> 16, (host >> 8) & 0xff, host & 0xff);
}

/** Whether an address is in 10.0.0.0/16, the range from which new SIMs get their addresses. */
export function isClientAddress([first, second]: IpAddress): boolean {
  return first === 10 && second === 0;
}

function fourDigits(serial: number): string {
  return String(serial).padStart(4, '0');
}

/** Returns the check digit to append to `digits` (ISO/IEC 7812-1, annex B). */
function luhnDigit(digits: string): number {
  let sum = 0;
  for (const [index, digit] of Array.from(digits).reverse().entries()) {
    const weighted = index % 2 === 0 ? Number(digit) * 2 : Number(digit);
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return (10 - (sum % 10)) % 10;
}
