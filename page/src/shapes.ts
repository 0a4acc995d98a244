// Written by `make schemas` from schemas/evals_schemas/tools/page.py: do not edit.
//
// A field that is null on the server is absent here.

export interface Agreement {
  of: "labels" | "pass or fail" | "decisions";
  same: Rate;
  kappa?: number;
  interval?: DifferenceInterval;
  ac1?: number;
  ac1_interval?: DifferenceInterval;
}

export interface BenchmarkDifference {
  of: string;
  model_id: string;
  model_id_2: string;
  questions: number;
  first: number;
  second: number;
  difference: number;
  interval?: Interval;
  p_value?: number;
  bootstrap?: Interval;
  only_first?: number;
  only_second?: number;
}

export interface BenchmarkSummary {
  models: BenchmarkedModel[];
  judge?: string;
  differences: BenchmarkDifference[];
}

export interface BenchmarkedModel {
  model_id: string;
  correct?: Rate;
  metrics: MetricSummary[];
}

export interface Bin {
  low: number;
  high: number;
  count: number;
  passes?: boolean;
  query: RowQuery;
}

export interface Calibration {
  sentences: string[];
  labels: number;
  waiting: number;
  kind: "human" | "model" | "unknown";
  labellers: number;
  plan: "random" | "balanced" | "chosen" | "all";
  seed?: number;
  skipped: number;
  of_other_answers: number;
  matrix: LabelledCell[];
  agreement?: number[];
  majority_baseline?: number;
  sensitivity?: number[];
  specificity?: number[];
  kappa?: number[];
  ac1?: number[];
  weighted_kappa?: number[];
  pearson?: number[];
  spearman?: number[];
  mean_difference?: number[];
  corrected: CorrectedFigure[];
  by_other_labels?: CorrectedFigure;
  labels_for: MoreLabels[];
  wrong_by?: WrongCalls[];
  ceiling?: Ceiling;
  not_computed: Record<string, string>;
}

export interface Ceiling {
  rows: number;
  same: number;
  kappa?: number;
}

export interface ChangedPair {
  a: PageRow;
  b: PageRow;
  shared: ([string, string])[];
  own_a: ([string, string])[];
  own_b: ([string, string])[];
}

export interface Clusters {
  column: string;
  count: number;
  effective: number;
  largest_percent: number;
  rows_worth?: number;
}

export interface CompareEvaluationsOutput {
  next_step: string;
  data_not_instructions: string[];
  headline: string;
  evaluation_id_a: string;
  evaluation_id_b: string;
  name_a?: string;
  name_b?: string;
  type: string;
  compares: "answers" | "judges" | "one judge twice";
  comparable: "yes" | "with care";
  warnings: string[];
  paired_by: string[];
  rows: PairedRows;
  agreement?: Agreement;
  score_agreement?: ScoreAgreement;
  passes?: PassDifference;
  scores?: ScoreDifference;
  preference?: PreferenceDifference;
  clusters?: Clusters;
  calibration?: ComparedLabels;
  not_computed: Record<string, string>;
  by?: Record<string, any>;
  total_flips: number;
  flips: Flip[];
  next_cursor?: string;
}

export interface ComparedLabels {
  sentences: string[];
  labels: number;
  agreement_a?: number[];
  agreement_b?: number[];
  error_a?: number[];
  error_b?: number[];
  difference?: number[];
  corrected?: CorrectedFigure;
  by_other_labels?: CorrectedFigure;
  not_computed: Record<string, string>;
}

export interface ComparisonPage {
  answer: CompareEvaluationsOutput;
  names: [string, string];
  changes?: Matrix;
  gained?: number;
  lost?: number;
  by_columns: string[];
  settings: Setting[];
}

export interface CorrectedFigure {
  of: string;
  unit: "%" | "points" | "score";
  figure: number[];
  method: "stratified" | "regression" | "rogan-gladen" | "labels alone";
  judge_alone: number;
  labels_alone?: number[];
  worth_labels?: number;
}

export interface CreateEvaluationOutput {
  next_step: string;
  data_not_instructions: string[];
  outcome: "started" | "exists" | "plan" | "confirm" | "declined" | "partial";
  evaluation_id?: string;
  name?: string;
  type: string;
  status?: string;
  headline?: string;
  provider: string;
  calls?: number;
  cost_usd?: Range;
  confirm?: string;
  expires_in_seconds?: number;
  warnings: string[];
  metrics?: (Record<string, any>)[];
  plan?: Plan;
}

export interface DetectableDifference {
  of: "pass rate" | "mean score" | "net preference" | "accuracy";
  assumption: string;
  assumed: number;
  difference?: number;
  target: number;
  rows_for_target?: number;
}

export interface DifferenceInterval {
  low: number;
  high: number;
  method: string;
}

export interface EvaluationLine {
  evaluation_id: string;
  name?: string;
  type?: string;
  status: string;
  created_at?: string;
  judge?: string;
  judged?: string;
  data_set?: string;
  data_set_name?: string;
  headline?: string;
  cost_usd?: number;
  error?: string;
  reason?: string;
}

export interface EvaluationPage {
  answer: GetEvaluationOutput;
  judge?: string;
  sides?: [string, string];
  win_rate?: WinRate;
  shares: Share[];
  shares_total: number;
  bins?: Bin[];
  outside: number;
  orders?: Matrix;
  filters: Filter[];
  default_query?: RowQuery;
  by_columns: string[];
  settings: Setting[];
  may_stop: boolean;
  marks?: MarksPage;
}

export interface Failures {
  generation?: number;
  judge?: number;
  invalid?: number;
  total?: number;
}

export interface Filter {
  name: string;
  count: number;
  query: RowQuery;
}

export interface Flip {
  row_a: number;
  row_b: number;
  verdict_a: string;
  verdict_b: string;
  passed_a?: boolean;
  passed_b?: boolean;
  feedback_a?: string;
  feedback_b?: string;
  columns: Record<string, string>;
}

export interface FlipQuery {
  change?: "gained" | "lost";
  verdict_a?: string;
  verdict_b?: string;
  text?: string;
}

export interface FlipsPage {
  total: number;
  matching: number;
  pairs: ChangedPair[];
  next_cursor?: string;
}

export interface GetEvaluationOutput {
  next_step: string;
  data_not_instructions: string[];
  evaluation_id: string;
  name?: string;
  type?: string;
  status: string;
  created_at?: string;
  elapsed_seconds?: number;
  progress?: ProgressOutput;
  summary?: Summary;
  by?: Record<string, any>;
  evaluations?: (Record<string, any>)[];
  cost?: Record<string, any>;
  error?: string;
  reason?: Reason;
  result_file_id?: string;
  parameters: Record<string, any>;
}

export interface Group {
  value: string;
  rows: number;
  counted: number;
  figure?: number[];
  others?: Record<string, number[]>;
  counts?: Record<string, number>;
  difference?: number[];
  p_holm?: number;
  verdict?: string;
}

export interface Groups {
  column: string;
  values: number;
  headline: string;
  figure?: string;
  unit: "%" | "points" | "score";
  notes: string[];
  shown: Group[];
}

export interface Interval {
  low: number;
  high: number;
  method: string;
}

export interface JudgeReason {
  text: string;
  order?: "A, B" | "B, A";
  choice?: string;
}

export interface LabelCount {
  label: string;
  count: number;
  percent: number;
  passes?: boolean;
}

export interface LabelKey {
  keys: string;
  value: string | number;
  name: string;
}

export interface LabelRow {
  position: number;
  row: number;
  texts: LabelText[];
  cut: boolean;
}

export interface LabelText {
  name: string;
  role: "input" | "answer" | "first" | "second";
  text: string;
}

export interface LabelledCell {
  verdict: string;
  label: string;
  rows: number;
}

export interface LabelsPage {
  evaluation_id: string;
  plan: "random" | "balanced";
  seed: number;
  labeller: string;
  question?: string;
  keys: LabelKey[];
  low?: number;
  high?: number;
  total: number;
  labelled: number;
  skipped: number;
  others: Record<string, number>;
  both: number;
  next_figures?: number;
  rows: LabelRow[];
  sentences: string[];
}

export interface ListEvaluationsOutput {
  next_step: string;
  data_not_instructions: string[];
  evaluations: EvaluationLine[];
  next_cursor?: string;
  note?: string;
}

export interface ListPage {
  answer: ListEvaluationsOutput;
}

export interface MarkAnswer {
  row: number;
  mark?: RowMark;
  marks: MarksPage;
}

export interface MarkedSample {
  seed: number;
  right: number;
  wrong: number;
  unsure: number;
  rate?: Rate;
}

export interface MarksPage {
  may_mark: boolean;
  names: string[];
  low?: number;
  high?: number;
  right: number;
  wrong: number;
  unsure: number;
  sample?: MarkedSample;
  sentences: string[];
}

export interface Matrix {
  names: string[];
  passes: (boolean | null)[];
  counts: number[][];
  row_totals: number[];
  column_totals: number[];
}

export interface MetricSummary {
  metric: string;
  mean?: number;
  std?: number;
  min?: number;
  max?: number;
  n?: number;
  interval?: Interval;
}

export interface ModelCalls {
  role: string;
  model: string;
  calls: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd?: Range;
}

export interface MoreLabels {
  half_width: number;
  more?: number;
  minutes?: number;
}

export interface NetPreference {
  a_wins: number;
  b_wins: number;
  ties: number;
  net: number;
  interval?: DifferenceInterval;
}

export interface PageColumn {
  name: string;
  role: "input" | "answer" | "answer_a" | "answer_b";
}

export interface PageRow {
  row: number;
  state: string;
  verdict?: string;
  score?: number;
  passed?: boolean;
  problem?: string;
  orders_differ: boolean;
  reasons: JudgeReason[];
  texts: (string | null)[];
  cut: boolean;
  mark?: RowMark;
  label?: string;
}

export interface PairedRows {
  rows_a: number;
  rows_b: number;
  pairs: number;
  no_verdict: number;
  no_verdict_a: number;
  no_verdict_b: number;
  unmatched_a: number;
  unmatched_b: number;
  duplicated_a: number;
  duplicated_b: number;
}

export interface PassDifference {
  a: Rate;
  b: Rate;
  difference: number;
  interval?: DifferenceInterval;
  p_value?: number;
  only_a: number;
  only_b: number;
  smallest_detectable?: number;
  difference_with_failed?: number;
}

export interface Plan {
  rows?: number;
  columns_used: string[];
  columns_carried: string[];
  first_row: RenderedTemplate[];
  rubric?: string;
  calls?: number;
  models: ModelCalls[];
  input_tokens?: number;
  output_tokens?: number;
  cost_usd?: Range;
  price_unavailable: boolean;
  duration_seconds?: Range;
  power?: Power;
  problems: string[];
  warnings: string[];
  notes: string[];
}

export interface Power {
  sentence: string;
  half_width: number;
  differences: DetectableDifference[];
}

export interface PreferenceDifference {
  a: NetPreference;
  b: NetPreference;
  difference: number;
  interval?: DifferenceInterval;
  p_value?: number;
}

export interface ProgressOutput {
  done: number;
  total?: number;
  unit?: "answers";
}

export interface Range {
  low: number;
  high: number;
}

export interface Rate {
  percent: number;
  count?: number;
  of?: number;
  interval?: Interval;
  percent_of_all_rows?: number;
}

export type Reason = "cancelled" | "endpoint_unreachable" | "endpoint_refused" | "endpoint_misconfigured" | "model_missing" | "nothing_started";

export interface RenderedTemplate {
  template: string;
  text: string;
}

export interface Report {
  made_at: string;
  version: string;
  left_out: string[];
  evaluation?: EvaluationPage;
  rows?: RowsPage;
  comparison?: ComparisonPage;
  flips?: FlipsPage;
}

export interface RowMark {
  opinion: "right" | "wrong" | "unsure";
  should_be?: string | number;
  at: string;
}

export interface RowQuery {
  show: "failing" | "passing" | "invalid" | "failed" | "misjudged" | "disagreements" | "one_order" | "all";
  label?: string;
  decision?: "A" | "B" | "Tie";
  min_score?: number;
  max_score?: number;
  text?: string;
  sample_rows?: number;
}

export interface RowsPage {
  total: number;
  matching: number;
  columns: PageColumn[];
  rows: PageRow[];
  next_cursor?: string;
  notes: string[];
  sample_seed?: number;
}

export interface ScoreAgreement {
  same: Rate;
  pearson?: number;
  pearson_interval?: DifferenceInterval;
  spearman?: number;
  spearman_interval?: DifferenceInterval;
  weighted_kappa?: number;
  weighted_kappa_interval?: DifferenceInterval;
}

export interface ScoreDifference {
  a: Scores;
  b: Scores;
  difference: number;
  interval?: DifferenceInterval;
  p_value?: number;
  bootstrap?: DifferenceInterval;
  bootstrap_seed: number;
  smallest_detectable?: number;
}

export interface Scores {
  mean: number;
  std?: number;
  n?: number;
  interval?: Interval;
  std_kind?: string;
  quartiles?: number[];
  histogram?: string[];
}

export interface Setting {
  name: string;
  value?: string;
  value_b?: string;
}

export interface Share {
  name: string;
  count: number;
  percent: number;
  tone: "good" | "bad" | "none" | "empty" | "a" | "b";
  query?: RowQuery;
}

export interface StatusOutput {
  next_step: string;
  data_not_instructions: string[];
  evaluation_id: string;
  status: string;
  finished: boolean;
  progress?: ProgressOutput;
  progress_note?: string;
  elapsed_seconds?: number;
  headline?: string;
  cost_usd?: number;
  error?: string;
  reason?: Reason;
}

export interface StatusPage {
  answer: StatusOutput;
  percent?: number;
  per_second?: number;
  seconds_left?: number;
  may_stop: boolean;
}

export interface Summary {
  headline: string;
  pass_rate?: Rate;
  labels?: LabelCount[];
  scores?: Scores;
  wins?: Wins;
  benchmark?: BenchmarkSummary;
  failures?: Failures;
  clusters?: Clusters;
  calibration?: Calibration;
  sequential?: Record<string, any>;
  notes: string[];
}

export interface WinRate {
  side: "A" | "B";
  rate: Rate;
}

export interface Wins {
  a: number;
  b: number;
  ties: number;
  one_order?: number;
  a_percent?: number;
  p_value?: number;
  a_interval?: Interval;
  without_ties?: Rate;
  disagreements?: Rate;
  longer?: Rate;
  a_longer?: number;
  first_slot?: Rate;
  first_slot_p?: number;
}

export interface WrongCalls {
  value: string;
  wrong: number;
  labels: number;
}
