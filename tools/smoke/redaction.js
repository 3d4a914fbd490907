/** Removes secrets and identifiers from a report, so that it can be pasted into an issue. */
import { isIPv4, isIPv6 } from 'node:net';
import { homedir } from 'node:os';

import ipaddr from 'ipaddr.js';

/** SORACOM's documentation lists these addresses, so a report may show them. */
const DOCUMENTED = ['100.127.0.0/16', '54.250.252.67/32', '54.250.252.99/32'];

/** The minimum length of a known value; a shorter one would also be found in other words. */
const SHORTEST = 4;

/** What is replaced even if its value is not known: each form, and the text that replaces it. */
const FORMS = [
  [/\bkeyId-[\w-]+/g, 'auth key ID'],
  [/\bsecret-[\w-]+/g, 'auth key'],
  [/\bapi-\w{16,}/g, 'API key'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, 'token'],
  [/\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g, 'AWS key ID'],
  [/(?<![A-Za-z\d+/])[A-Za-z\d+/]{43}=/g, 'key'],
  [/\b[a-f\d]{64}\b/gi, 'key'],
  [/\bOP\d{10}\b/g, 'operator ID'],
  [/[\w.+-]+@[\w-]+\.[\w.-]+/g, 'e-mail address'],
  // SIM IDs, IMSIs, phone numbers and AWS accounts. Times in milliseconds are also replaced.
  [/(?<!\w)(?<!\d\.)\d{11,22}(?!\w)(?!\.\d)/g, 'number'],
];

const IPV4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)/g;
const IPV6 = /(?<![\w:.])[a-f\d]*:[a-f\d:]*:[a-f\d:.]*(?![\w:])/gi;

export class Redaction {
  /** @type {Map<string, string>} */
  #known = new Map();

  /**
   * Hides a value wherever it occurs from now on.
   *
   * @param {string} label the text to show instead
   * @param {unknown} value ignored if it is not a string, or too short
   */
  add(label, value) {
    if (typeof value !== 'string' || value.length < SHORTEST) return;
    this.#known.set(value, label);
    this.#known.set(encodeURIComponent(value), label);
    if (/^[A-Za-z\d+/]{43}=$/.test(value)) this.#known.set(value.slice(0, -1), label);
  }

  /**
   * @param {string} text
   * @returns {string}
   */
  apply(text) {
    // A long value may contain a short one.
    const known = [...this.#known].sort(([one], [other]) => other.length - one.length);
    let shown = text;
    for (const [value, label] of known) shown = shown.replaceAll(value, `(${label})`);
    for (const [form, label] of FORMS) shown = shown.replace(form, `(${label})`);
    shown = shown.replace(IPV4, (address) => (isShown(address) ? address : '(IP address)'));
    shown = shown.replace(IPV6, (word) => (isIPv6(word) ? '(IP address)' : word));
    return shown.replaceAll(homedir(), '~');
  }
}

/** @param {string} address */
function isShown(address) {
  if (!isIPv4(address)) return false;
  const parsed = ipaddr.parse(address);
  return DOCUMENTED.some((range) => parsed.match(ipaddr.parseCIDR(range)));
}
