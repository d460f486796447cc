"""The twin: the original system's routes as FastAPI's and SQLAlchemy's own documentation would have them written.

A yardstick for `make bench`: tokens kept as digests, rows locked, one transaction for each act. It has no journal,
constraints beyond keys, idempotency keys, limits or admin.

DATABASE_URL=postgresql+asyncpg://… uvicorn app:app --workers 2 --no-access-log
"""

import datetime as dt
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated

import argon2
from argon2.exceptions import VerificationError
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, EmailStr, Field
from sqlalchemy import ForeignKey, Index, Numeric, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TOKEN_DAYS = 30
ACTIVE_SHOWN = 20
EXACT = {"status", "plan_name", "user_id"}
Money = Annotated[Decimal, Numeric(12, 2)]

database = create_async_engine(os.environ["DATABASE_URL"], pool_size=int(os.environ.get("POOL_SIZE", "16")))
open_session = async_sessionmaker(database, expire_on_commit=False)
passwords = argon2.PasswordHasher()


# --- Tables


class Table(DeclarativeBase):
    type_annotation_map = {Money: Numeric(12, 2)}


class User(Table):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(150), unique=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(128))
    is_staff: Mapped[bool] = mapped_column(default=False)


class Token(Table):
    __tablename__ = "tokens"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    expires_at: Mapped[dt.datetime]


class Plan(Table):
    __tablename__ = "plans"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    price: Mapped[Money]
    days: Mapped[int] = mapped_column(default=30)


class Subscription(Table):
    __tablename__ = "subscriptions"
    __table_args__ = (Index("subscription_of_user", "user_id", "id"), Index("subscription_of_plan", "plan_name", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    plan_name: Mapped[str] = mapped_column(ForeignKey(Plan.name))
    duration: Mapped[int]
    start_date: Mapped[dt.date | None]
    end_date: Mapped[dt.date | None]
    status: Mapped[str] = mapped_column(String(20), default="pending")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), deferred=True)

    def activate(self, plan: Plan) -> None:
        """Run from today, for what was bought."""
        self.status = "active"
        self.start_date = dt.date.today()  # noqa: DTZ011
        self.end_date = self.start_date + dt.timedelta(days=plan.days * self.duration)


class Payment(Table):
    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    plan_name: Mapped[str] = mapped_column(ForeignKey(Plan.name))
    amount: Mapped[Money]
    status: Mapped[str] = mapped_column(String(20), default="pending")
    subscription_id: Mapped[int] = mapped_column(ForeignKey(Subscription.id), index=True)


# --- Bodies


class Registration(BaseModel):
    username: Annotated[str, Field(min_length=1, max_length=150)]
    email: EmailStr
    password: Annotated[str, Field(min_length=8, max_length=128)]


class Credentials(BaseModel):
    username: str
    password: str


class NewSubscription(BaseModel):
    plan_name: str
    duration: Annotated[int, Field(ge=1, le=120)] = 1


class NewPayment(BaseModel):
    plan_name: str
    amount: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)]
    subscription_id: int


class Confirmation(BaseModel):
    payment_id: int


class SubscriptionFilters(BaseModel):
    status: str | None = None
    plan_name: str | None = None
    user_id: int | None = None
    created_after: dt.datetime | None = None
    created_before: dt.datetime | None = None
    before_id: int | None = None
    page_size: Annotated[int, Field(ge=1, le=200)] = 50


# --- Answers


class PublicUser(BaseModel, from_attributes=True):
    id: int
    username: str
    email: str


class NewToken(BaseModel):
    token: str


class PublicSubscription(BaseModel, from_attributes=True):
    id: int
    user_id: int
    plan_name: str
    start_date: dt.date | None
    end_date: dt.date | None
    status: str


class PublicPayment(BaseModel, from_attributes=True):
    id: int
    user_id: int
    plan_name: str
    amount: Decimal
    status: str
    subscription_id: int


# --- What every route depends on


async def get_session() -> AsyncIterator[AsyncSession]:
    async with open_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


async def get_user(request: Request, session: Session) -> User:
    token = request.headers.get("Authorization", "").removeprefix("Token ")
    theirs = select(User).join(Token, Token.user_id == User.id)
    user = await session.scalar(theirs.where(Token.digest == digest_of(token), Token.expires_at > now()))
    if user is None:
        raise HTTPException(401, "unknown token")
    return user


CurrentUser = Annotated[User, Depends(get_user)]


async def get_staff(user: CurrentUser) -> User:
    if not user.is_staff:
        raise HTTPException(403, "only for staff")
    return user


Staff = Annotated[User, Depends(get_staff)]


# --- Routes

api = APIRouter(prefix="/api")


@api.post("/auth/register", status_code=201, response_model=PublicUser)
async def register(given: Registration, session: Session) -> User:
    password_hash = await run_in_threadpool(passwords.hash, given.password)
    user = User(username=given.username, email=given.email, password_hash=password_hash)
    session.add(user)
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(400, "somebody has this name or address") from None
    return user


@api.post("/auth/login")
async def login(given: Credentials, session: Session) -> NewToken:
    user = await session.scalar(select(User).where(User.username == given.username))
    if user is None or not await run_in_threadpool(is_right, user.password_hash, given.password):
        raise HTTPException(401, "wrong name or password")
    token = secrets.token_urlsafe(32)
    expires_at = now() + dt.timedelta(days=TOKEN_DAYS)
    session.add(Token(digest=digest_of(token), user_id=user.id, expires_at=expires_at))
    await session.commit()
    return NewToken(token=token)


def is_right(password_hash: str, password: str) -> bool:
    try:
        return passwords.verify(password_hash, password)
    except VerificationError:
        return False


@api.post("/subscriptions/", status_code=201, response_model=PublicSubscription)
async def subscribe(given: NewSubscription, user: CurrentUser, session: Session) -> Subscription:
    if await session.get(Plan, given.plan_name) is None:
        raise HTTPException(400, "unknown plan")
    subscription = Subscription(user_id=user.id, plan_name=given.plan_name, duration=given.duration)
    session.add(subscription)
    await session.commit()
    return subscription


@api.get("/subscriptions/", response_model=list[PublicSubscription])
async def list_all(filters: Annotated[SubscriptionFilters, Query()], _: Staff, session: Session) -> list[Subscription]:
    wanted = select(Subscription).filter_by(**filters.model_dump(include=EXACT, exclude_none=True))
    if filters.created_after is not None:
        wanted = wanted.where(Subscription.created_at >= filters.created_after)
    if filters.created_before is not None:
        wanted = wanted.where(Subscription.created_at < filters.created_before)
    if filters.before_id is not None:
        wanted = wanted.where(Subscription.id < filters.before_id)
    return list(await session.scalars(wanted.order_by(Subscription.id.desc()).limit(filters.page_size)))


@api.get("/subscriptions/{user_id}", response_model=list[PublicSubscription])
async def list_active(user_id: int, user: CurrentUser, session: Session) -> list[Subscription]:
    if not user.is_staff and user.id != user_id:
        raise HTTPException(404, "no such user")
    active = select(Subscription).where(Subscription.user_id == user_id, Subscription.status == "active")
    return list(await session.scalars(active.order_by(Subscription.id.desc()).limit(ACTIVE_SHOWN)))


@api.post("/payments/create-checkout-session", status_code=201, response_model=PublicPayment)
async def check_out(given: NewPayment, user: CurrentUser, session: Session) -> Payment:
    subscription = await session.get(Subscription, given.subscription_id)
    if subscription is None or subscription.user_id != user.id:
        raise HTTPException(404, "no such subscription")
    plan = await session.get(Plan, given.plan_name)
    if plan is None or plan.price * subscription.duration != given.amount:
        raise HTTPException(400, "this is not what it costs")
    payment = Payment(
        user_id=user.id, plan_name=plan.name, amount=given.amount, subscription_id=subscription.id, status="pending"
    )
    session.add(payment)
    await session.commit()
    return payment


@api.post("/payments/confirm-payment", response_model=PublicPayment)
async def confirm(given: Confirmation, _: Staff, session: Session) -> Payment:
    wanted = select(Payment, Subscription, Plan).where(
        Payment.id == given.payment_id, Subscription.id == Payment.subscription_id, Plan.name == Payment.plan_name
    )
    found = (await session.execute(wanted.with_for_update(of=(Payment, Subscription)))).one_or_none()
    if found is None:
        raise HTTPException(404, "no such payment")
    payment, subscription, plan = found
    if payment.status == "pending":
        payment.status = "confirmed"
        subscription.activate(plan)
        await session.commit()
    return payment


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with database.begin() as connection:
        await connection.run_sync(Table.metadata.create_all)
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(api)
