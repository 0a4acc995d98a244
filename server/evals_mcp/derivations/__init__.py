"""Derived data sets: what a service is sent in place of a stored data set, and the way back.

A user names an *original*, a data set that is stored whole. A service is sent a *derived* file:
only the columns that the request uses, perhaps fewer rows. The columns that are not sent are
*carried*: they are joined back, by the content of the rows, when a result file is brought in, so
that reading, comparing, figures by a column and exports see them without knowing of derivations.

1. A plan makes a `Derivation` (`derivation.py`): the columns that are sent and carried and, if the
   request names only some rows, a `Selection`.
2. When the evaluation is started, `DerivedData.file_for` (`derived_data.py`) finds or makes the
   derived file at the service, and records it in the state, by the derived file's id.
3. `ProviderOfOriginals` (`provider.py`) shows each evaluation as its user requested it: with the
   original's id and the arguments that chose the rows. `sent_file` names the derived file.
4. `CarriedColumns` (`carried_columns.py`) brings the carried columns into a result file;
   `matching.py` decides which result row is which row of the original.

**To add a derivation** that chooses other rows or adds a column: write a class with the members of
`Selection` in a module of this folder (`sample.py` is the example), add its argument to
`ROW_ARGUMENTS` in `providers/same_request.py` and to `CreateEvaluationInput`, and return an
instance from `_selection` in `tools/create_evaluation.py`. All else follows: the request's digest,
the recognised repetition, the upload, the record, the plan's number of rows and note, how the
evaluation is shown, and the join. Whatever a selection needs of other evaluations is fetched before
it is made, because its methods block and run in a worker thread. The numbers of the chosen rows are
recorded, so a selection is never computed again. Added columns take no part in the join.
"""
