/** One row of the matrix: a program, and one way in which it reaches a host inside the tunnel. */
import type { ProgramLab } from './program-lab.js';

export interface ProgramRow {
  readonly program: string;
  /** The start of the version that was run; for npm packages, the version in package.json. */
  readonly version: string;
  /** The name of the Debian package whose version this is; undefined for npm packages. */
  readonly debian?: string;
  /** The way into the tunnel, in the words of docs/reference/programs.md. */
  readonly way: string;
  /** What the user types: a shell command, or an expression in a program. */
  readonly type: string;
  readonly caveat?: string;
  /** Runs `type` and checks its result, or names the test that does. */
  readonly check: ((lab: ProgramLab, type: string) => Promise<void>) | ExistingTest;
}

/** A test in another file that already covers the row. */
export interface ExistingTest {
  /** Below test/interop. */
  readonly file: string;
  readonly test: string;
}
