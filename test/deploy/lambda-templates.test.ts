/** The samples of deploy/lambda, as AWS's CDK reads them; no test deploys them. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { SendingStack, type SendingStackProps } from '../../deploy/lambda/cdk/sending-stack.js';
import { readSettings } from '../../src/lambda/settings.js';
import { REPOSITORY } from '../support/processes.js';

const SAMPLES = `${REPOSITORY}deploy/lambda/`;
const SAM = `${SAMPLES}sam/template.yaml`;
const SECRET = 'arc-configurations';

/** Properties of SAM that the CDK's list of them lacks; cfn-lint has them. */
const NEWER = ['CompatibleArchitectures'];

/** The properties of a type in the SAM specification. */
interface PropertyNames {
  readonly cfnPropertyNames: Readonly<Record<string, string>>;
}

let folder: string;
let ofPackage: Template;
let ofSecret: Template;
let sam: Template;
let included: CfnInclude;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-templates-'));
  const layerZip = join(folder, 'arctun-lambda.zip');
  writeFileSync(layerZip, 'a layer');
  const functionFolder = join(folder, 'function');
  cpSync(`${SAMPLES}function`, functionFolder, { recursive: true });
  writeFileSync(join(functionFolder, 'arc.json'), '{}');
  // All in one test, because each synthesis takes seconds.
  const app = new App({ outdir: join(folder, 'out') });
  const stack = (id: string, props: Partial<SendingStackProps>) =>
    new SendingStack(app, id, { layerZip, functionFolder, ...props });
  const stacks = [
    stack('OfPackage', {}),
    stack('OfSecret', { architecture: 'arm64', secretName: SECRET, concurrency: 4 }),
  ];
  const samStack = new Stack(app, 'Sam');
  included = new CfnInclude(samStack, 'Template', { templateFile: SAM });
  [ofPackage, ofSecret, sam] = [...stacks, samStack].map((each) => Template.fromStack(each)) as [
    Template,
    Template,
    Template,
  ];
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

describe('the CDK stack', () => {
  it('creates one function with the layer, and allows one instance of it at a time', () => {
    const layers = Object.keys(ofPackage.findResources('AWS::Lambda::LayerVersion'));
    expect(layers).toHaveLength(1);
    ofPackage.hasResourceProperties('AWS::Lambda::LayerVersion', {
      CompatibleArchitectures: ['x86_64'],
    });
    ofPackage.hasResourceProperties('AWS::Lambda::Function', {
      Handler: 'index.handler',
      Architectures: ['x86_64'],
      Layers: [{ Ref: layers[0] }],
      ReservedConcurrentExecutions: 1,
      MemorySize: 256,
      Environment: { Variables: { ARCTUN_LOG_LEVEL: 'info' } },
    });
  });

  it('requests no permission if arc.json is in the package', () => {
    ofPackage.resourceCountIs('AWS::IAM::Policy', 0);
  });

  it('reads a secret through the AWS layer, with the permission for it and the requested concurrency', () => {
    const [layer] = Object.keys(ofSecret.findResources('AWS::Lambda::LayerVersion'));
    ofSecret.hasResourceProperties('AWS::Lambda::LayerVersion', {
      CompatibleArchitectures: ['arm64'],
    });
    ofSecret.hasResourceProperties('AWS::Lambda::Function', {
      Architectures: ['arm64'],
      Layers: [{ Ref: layer }, { 'Fn::FindInMap': Match.anyValue() }],
      ReservedConcurrentExecutions: 4,
      Environment: { Variables: { ARCTUN_CONFIG_SECRET: SECRET } },
    });
    expect(JSON.stringify(ofSecret.toJSON())).toContain(
      'layer:AWS-Parameters-and-Secrets-Lambda-Extension-Arm64:',
    );
    ofSecret.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: Match.arrayWith(['secretsmanager:GetSecretValue']),
            Resource: { 'Fn::Join': ['', Match.arrayWith([`:secret:${SECRET}-??????`])] },
          },
        ],
      },
    });
  });
});

describe('the SAM template', () => {
  it('has no property that SAM does not define', () => {
    for (const [name, type] of [
      ['ArctunLayer', 'AWS::Serverless::LayerVersion'],
      ['SendingFunction', 'AWS::Serverless::Function'],
    ] as const) {
      const { cfnPropertyNames } = included.getResource(name) as unknown as PropertyNames;
      const known = Object.values(cfnPropertyNames);
      expect(known.length).toBeGreaterThan(5);
      const { Properties } = sam.findResources(type)[name] as { Properties: object };
      expect([...known, ...NEWER]).toEqual(expect.arrayContaining(Object.keys(Properties)));
    }
  });

  it('creates one function with the layer, and allows one instance of it at a time', () => {
    sam.hasResourceProperties('AWS::Serverless::LayerVersion', {
      ContentUri: 'arctun-lambda.zip',
      CompatibleArchitectures: [{ Ref: 'Architecture' }],
    });
    sam.hasResourceProperties('AWS::Serverless::Function', {
      CodeUri: '../function',
      Handler: 'index.handler',
      Architectures: [{ Ref: 'Architecture' }],
      Layers: Match.arrayWith([{ Ref: 'ArctunLayer' }]),
      ReservedConcurrentExecutions: 1,
      MemorySize: 256,
    });
    sam.hasParameter('Architecture', { Default: 'x86_64', AllowedValues: ['x86_64', 'arm64'] });
  });

  it('reads a secret only if the AWS layer for it is set', () => {
    const nothing = { Ref: 'AWS::NoValue' };
    const where = (value: unknown) => ({ 'Fn::If': ['HasSecret', value, nothing] });
    sam.hasCondition('HasSecret', {
      'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'ParametersExtension' }, ''] }],
    });
    sam.hasParameter('ParametersExtension', { Default: '' });
    sam.hasResourceProperties('AWS::Serverless::Function', {
      Layers: [{ Ref: 'ArctunLayer' }, where({ Ref: 'ParametersExtension' })],
      Environment: { Variables: { ARCTUN_CONFIG_SECRET: where({ Ref: 'ConfigName' }) } },
      Policies: [
        where({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: 'secretsmanager:GetSecretValue',
              Resource: {
                'Fn::Sub': Match.stringLikeRegexp(':secret:\\$\\{ConfigName\\}-\\?{6}$'),
              },
            },
          ],
        }),
      ],
    });
  });
});

describe('every function', () => {
  const functions = () => [
    ...Object.values(ofPackage.findResources('AWS::Lambda::Function')),
    ...Object.values(ofSecret.findResources('AWS::Lambda::Function')),
    ...Object.values(sam.findResources('AWS::Serverless::Function')),
  ];

  it('has a longer timeout than the extension makes it wait', () => {
    const waits = readSettings({}).settings.wait / 1000;
    const timeouts = functions().map(
      ({ Properties }) => (Properties as { Timeout: number }).Timeout,
    );
    expect(timeouts).toHaveLength(3);
    for (const timeout of timeouts) expect(timeout).toBeGreaterThanOrEqual(waits + 3);
  });

  it('sets only variables that the extension reads', () => {
    const read = new Set<string>();
    readSettings(new Proxy({}, { get: (_, name) => void read.add(String(name)) }));
    const used = ['sam/template.yaml', 'cdk/sending-stack.ts', 'cdk/app.ts'].flatMap(
      (file) => readFileSync(SAMPLES + file, 'utf8').match(/ARCTUN_\w+/g) ?? [],
    );
    expect(used.length).toBeGreaterThan(0);
    for (const name of used) expect([...read]).toContain(name);
  });
});
