"""How many reports came as mail, for metrics that outlive the process which read them."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from consent.store.base import Base


class MailReport(Base):
    """The *number* of reports of one sort that held a token of ours (*proved*), or none."""

    __tablename__ = "mail_report"

    what: Mapped[str] = mapped_column(primary_key=True)
    proved: Mapped[bool] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
