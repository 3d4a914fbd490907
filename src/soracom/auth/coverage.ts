import { UserError } from '../../lib/errors/user-error.js';

/** Where a virtual SIM lives: Japan or Global coverage. They are different accounts' worlds. */
export type Coverage = 'jp' | 'g';

const ENDPOINTS: Readonly<Record<Coverage, string>> = {
  jp: 'https://api.soracom.io',
  g: 'https://g.api.soracom.io',
};

/** The sandbox is a copy of the API for trying things out, with accounts of its own. */
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
 * `g` or `global`, `jp` or `japan`, in any case. soratun takes any other text for one of the two;
 * here it is an error, for a SIM's coverage cannot be changed later.
 * @throws UserError of kind `usage`
 */
export function parseCoverage(text: string): Coverage {
  const coverage = NAMES.get(text.trim().toLowerCase());
  if (coverage !== undefined) return coverage;
  throw new UserError('usage', {
    what: 'cannot choose the coverage',
    why: `"${text}" is no coverage type`,
    next: ['Use `g` (Global) or `jp` (Japan).'],
  });
}

/** The base URL of a coverage's API, without `/v1`. */
export function coverageEndpoint(
  coverage: Coverage,
  { sandbox = false }: { readonly sandbox?: boolean } = {},
): string {
  return (sandbox ? SANDBOX_ENDPOINTS : ENDPOINTS)[coverage];
}
