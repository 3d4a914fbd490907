/** The numbers that SIMs are known by, made from one emulator's run number and a serial number. */
import type { IpAddress } from '../wire/ip-address.js';

/** Serial numbers have four digits. */
export const MAX_SERIAL = 9999;

/** An ICCID: 19 digits, the last one of them Luhn's (ITU-T E.118). */
export function iccid(run: string, serial: number): string {
  const digits = `894230${run}${fourDigits(serial)}`;
  return digits + String(luhnDigit(digits));
}

/** The IMSI of a virtual subscription: 15 digits that begin with 99999. */
export function virtualImsi(run: string, serial: number): string {
  return `99999${run.slice(0, 6)}${fourDigits(serial)}`;
}

/** The IMSI of a subscription on a physical SIM: 15 digits, of a Japanese network. */
export function physicalImsi(run: string, serial: number): string {
  return `44010${run.slice(0, 6)}${fourDigits(serial)}`;
}

/** 10.0.0.2 for serial number 1, and on. */
export function clientAddress(serial: number): IpAddress {
  const host = serial + 1;
  return Uint8Array.of(10, host >> 16, (host >> 8) & 0xff, host & 0xff);
}

/** Whether a SIM may have the address from its creation on: all of those are in 10.0.0.0/16. */
export function isClientAddress([first, second]: IpAddress): boolean {
  return first === 10 && second === 0;
}

function fourDigits(serial: number): string {
  return String(serial).padStart(4, '0');
}

/** The check digit to be put behind `digits` (ISO/IEC 7812-1, annex B). */
function luhnDigit(digits: string): number {
  let sum = 0;
  for (const [index, digit] of Array.from(digits).reverse().entries()) {
    const weighted = index % 2 === 0 ? Number(digit) * 2 : Number(digit);
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return (10 - (sum % 10)) % 10;
}
