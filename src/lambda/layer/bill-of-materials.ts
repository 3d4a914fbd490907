/** Creates a layer's software bill of materials in CycloneDX format (https://cyclonedx.org). */
import { type Architecture, NODE_PACKAGES, NODE_VERSION } from './node-release.js';

/** The CycloneDX 1.5 fields that are used. All other fields stay unchanged. */
interface BillOfMaterials {
  readonly metadata: { readonly component: { readonly 'bom-ref': string } };
  readonly components: readonly unknown[];
  readonly dependencies: readonly Dependency[];
}

interface Dependency {
  readonly ref: string;
  readonly dependsOn?: readonly string[];
}

/** Adds the Node runtime to a bundle's bill of materials. */
export function withNode(bill: string, architecture: Architecture): string {
  const { name, integrity } = NODE_PACKAGES[architecture];
  const digest = Buffer.from(integrity.replace('sha512-', ''), 'base64');
  const parsed = JSON.parse(bill) as BillOfMaterials;
  const ours = parsed.metadata.component['bom-ref'];
  const ref = `${name}@${NODE_VERSION}`;
  const node = {
    ...{ 'bom-ref': ref, type: 'platform', name: 'node', version: NODE_VERSION },
    ...{
      scope: 'required',
      purl: `pkg:npm/${ref}`,
      cpe: `cpe:2.3:a:nodejs:node.js:${NODE_VERSION}:*:*:*:-:*:*:*`,
    },
    hashes: [{ alg: 'SHA-512', content: digest.toString('hex') }],
    licenses: [{ license: { id: 'MIT' } }],
  };
  const extended: BillOfMaterials = {
    ...parsed,
    components: [...parsed.components, node],
    dependencies: [
      ...parsed.dependencies.map((dependency) =>
        dependency.ref === ours
          ? { ...dependency, dependsOn: [...(dependency.dependsOn ?? []), ref] }
          : dependency,
      ),
      { ref, dependsOn: [] },
    ],
  };
  return `${JSON.stringify(extended, null, 2)}\n`;
}
