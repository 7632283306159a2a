"""Training data for `wikirank train --recipe wiki`, made from any corpus without labels.

- `split` splits the articles into train, dev and test.
- `queries` generates queries from passages, in several natural styles.
- `pairs` reads the user's own questions with passages.
- `negatives` mines passages that do not answer a query.
- `groups` writes each query, its positive and its negatives as a training group.
- `questions` reads unlabelled questions; `question_groups` mines candidates for a teacher to score.
- `candidate_lists` holds what hybrid search finds for queries of held-out articles.

Nothing here loads torch.
"""

from wikirank.train.data.candidate_lists import (
    CandidateList,
    candidate_lists,
    read_candidate_lists,
    write_candidate_lists,
)
from wikirank.train.data.groups import (
    GroupOptions,
    TrainingGroup,
    build_groups,
    read_groups,
    write_groups,
)
from wikirank.train.data.negatives import mine_negatives
from wikirank.train.data.pairs import QuestionPair, read_pairs
from wikirank.train.data.prose import DocumentFrequency
from wikirank.train.data.queries import STYLE_WEIGHTS, MadeQuery, make_queries
from wikirank.train.data.question_groups import (
    QuestionGroup,
    QuestionOptions,
    question_groups,
    read_question_groups,
    write_question_groups,
)
from wikirank.train.data.questions import Question, read_questions
from wikirank.train.data.split import ArticleSplit, article_key, split_articles, split_pairs

__all__ = [
    "STYLE_WEIGHTS",
    "ArticleSplit",
    "CandidateList",
    "DocumentFrequency",
    "GroupOptions",
    "MadeQuery",
    "Question",
    "QuestionGroup",
    "QuestionOptions",
    "QuestionPair",
    "TrainingGroup",
    "article_key",
    "build_groups",
    "candidate_lists",
    "make_queries",
    "mine_negatives",
    "question_groups",
    "read_candidate_lists",
    "read_groups",
    "read_pairs",
    "read_question_groups",
    "read_questions",
    "split_articles",
    "split_pairs",
    "write_candidate_lists",
    "write_groups",
    "write_question_groups",
]
