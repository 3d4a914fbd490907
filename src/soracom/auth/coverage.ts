import { UserError } from '../../lib/errors/user-error.js';

/**
 * The coverage of a virtual SIM: `jp` is Japan, `g` is Global. Each account has only one of the
 * two.
 */
export type Coverage = 'jp' | 'g';

const ENDPOINTS: Readonly<Record<Coverage, string>> = {
  jp: 'https://api.soracom.io',
  g: 'https://g.api.soracom.io',
};

/** The endpoints of the API sandbox, a copy of the API for experiments, with separate accounts. */
const SANDBOX_ENDPOINTS: Readonly<Record<Coverage, string>> = {
  jp: 'https://api-sandbox.soracom.io',
  g: 'https://g.api-sandbox.soracom.io',
};

const NAMES = new Map<string, Coverage>([
  ['g', 'g'],
  ['global', 'g'],
  ['jp', 'jp'],
  ['japan', 'jp'],
]);

/**
 * Parses `g` or `global`, `jp` or `japan`, ignoring case. soratun also maps other strings to a
 * coverage, but arctun rejects them, because a SIM's coverage cannot be changed later.
 * @throws UserError of kind `usage`
 */
export function parseCoverage(text: string): Coverage {
  const coverage = NAMES.get(text.trim().toLowerCase());
  if (coverage !== undefined) return coverage;
  throw new UserError('usage', {
    what: 'cannot choose the coverage type',
    why: `"${text}" is not a coverage type`,
    next: ['Use `g` (Global) or `jp` (Japan).'],
  });
}

/** Returns the base URL of the API for a coverage, without `/v1`. */
export function coverageEndpoint(
  coverage: Coverage,
  { sandbox = false }: { readonly sandbox?: boolean } = {},
): string {
  return (sandbox ? SANDBOX_ENDPOINTS : ENDPOINTS)[coverage];
}
