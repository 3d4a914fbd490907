import { BaseCommand } from '../../src/cli/base-command.js';
import { runLambda } from '../../src/cli/run/run-lambda.js';

export default class Lambda extends BaseCommand {
  static override description =
    'Run as an AWS Lambda extension that forwards requests from localhost:8080 to the Unified Endpoint.\nSet environment variables to configure the extension (see docs/guides/lambda.md).';
  static override examples = ['<%= config.bin %> <%= command.id %>'];

  async run(): Promise<void> {
    const { flags } = await this.parse(Lambda);
    await runLambda(flags);
  }
}
